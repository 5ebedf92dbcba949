"""The review desk in the browser: pages made on the server, small scripts, nothing from elsewhere.

`app` lists every page with the right it needs, and puts them together; the `door` lets a person in and
refuses everybody else; `asked` is one request, as a page sees it; `frame` renders. The other files are the
pages, one noun each, and `words` says in plain words what is stored as a code. The parts that templates are
made of stand in templates/parts.html, which says what there is.

The pages speak to the store's desk and to the engine, and know nothing of the service around them.
"""
