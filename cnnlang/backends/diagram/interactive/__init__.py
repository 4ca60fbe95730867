"""The interactive figure: one HTML page with its pictures, its table, its source and its script.

It asks the network for nothing, and its Content Security Policy forbids the browser to: no script
or style runs but the two whose digests it names. What comes from a file goes into the page either
as text of an SVG element or as JSON, which the script reads and shows as text.
"""
