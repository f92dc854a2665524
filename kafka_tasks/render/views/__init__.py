"""One module a result: `document` for machines, `text` for people.

Where no verb returns the whole of what a task shows, the module also has the value that holds it.
"""
