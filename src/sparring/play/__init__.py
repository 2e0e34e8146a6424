"""The playground without its page: what a visitor's choices draw, and what networks say of an image.

Nothing here knows a web server or a session. `page/` has the page, and alone imports Gradio.
"""
