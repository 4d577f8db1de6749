"""A page as its reader takes it in."""

from html.parser import HTMLParser


class Read(HTMLParser):
    """What a page consists of, in order; adjoining text as one, without space at its ends."""

    def __init__(self, page):
        super().__init__()
        self.events, self._text = [], ""
        self.feed(page)
        self.close()
        self._told(())

    def _told(self, event):
        text, self._text = " ".join(self._text.split()), ""
        self.events += [("text", text)] * bool(text) + [event] * bool(event)

    def handle_starttag(self, tag, attrs):
        self._told(("start", tag, attrs))

    def handle_startendtag(self, tag, attrs):
        self._told(("empty", tag, attrs))

    def handle_endtag(self, tag):
        self._told(("end", tag))

    def handle_data(self, data):
        self._text += data

    @property
    def attributes(self):
        return [pair for event in self.events if len(event) == 3 for pair in event[2]]

    @property
    def tags(self):
        return {event[1] for event in self.events if event[0] in ("start", "empty")}

    @property
    def text(self):
        return " ".join(event[1] for event in self.events if event[0] == "text")
