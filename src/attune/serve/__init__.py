"""The service: one process that answers over HTTP, the engine inside.

`process` runs it and drains it; `application` puts the pages together; every request comes through the
`gate`; `chats`, `completions`, `hosting` and `health` are the pages, one noun each. What they share is the
`service`: the engine, the store, and the `intake` that takes chats through both.
"""
