"""Any server that speaks OpenAI's API: vLLM, SGLang, llama.cpp's, Ollama, Gemini's endpoint, attune's own.

`server` is where it stands and what it understands beyond OpenAI's own parameters; `body` makes of a request
what is sent, `schema` of its slots what binds the answer; `exchange` sends it and reads what comes, `answer`
makes the completion of that; `gate` says how many requests are out at once; `engine` brings them together,
all in one thread.
"""

from __future__ import annotations

from attune.engines.http.engine import HTTPEngine
from attune.engines.http.server import Server

__all__ = ["HTTPEngine", "Server"]
