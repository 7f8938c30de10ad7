"""A recorded day as a market data front: ``replay://DIR?day=20261123&speed=10``.

    md_worker:
      front: replay://var/recorder/ticks?day=20261123&speed=10

md_worker runs the same lines as on a real front: ``front.py`` has the binding's modules with an API
class of ours in them, whose callbacks come from a thread of its own with real struct objects.

DIR is a folder as the recorder writes it (``DIR/20261123/rb2610.ticks``), or one of CSV files,
``.csv`` or ``.csv.gz``, in it or one level below; ``csv_files.py`` says which are understood. A
relative DIR is relative to the working directory. Behind the "?":

day      the trading day; without it the newest one in DIR
speed    1 (default) is true time, 10 ten times as fast, 0.5 half as fast; max as fast as the
         subscribers take it
wait     the play begins when nobody has subscribed anything for so many seconds (default 1), at its
         first tick of what is subscribed, so that everybody hears the beginning
pause    a silence of the market longer than so many seconds is cut to that; default: never
loop     1: when the day is over the front hangs up and the day begins again
layout   of CSV files without a header: the columns by a name (``ctp``), or by names with commas
         between them
calendar of the exchanges, for CSV files that do not tell their trading day: as the key of the group
         (exchange, always or a file)

What subscribers see:

- Ticks in the order of their receive time over all instruments, only those that are subscribed; in
  a file their order is never changed.
- Who subscribes an instrument while the day is being played gets its last tick before that moment
  first, as at a real front, and then goes on. Before the beginning there is no such tick: nothing
  of an earlier day is shown.
- Bodies are those of the recording to the last bit; receive and send times of the header are now.
- Nothing is lost: md_worker waits for a subscriber whose queue is full, and with it everything
  waits. When somebody has taken nothing for 5 s it waits for nobody any more, and who is slow loses
  ticks as he would at a real front.
- CSV files are read to the end before the front connects, 40 us a line; what they became stays in
  md_worker's folder for the next time, as long as they do not change.
- At the end the connection stays, the log says how many ticks there were, and the state of
  md_worker has ``replay.ended``. Gaps of the recording are counted there, not played.
- At ``max`` the day is over when nothing subscribed is left of it; at other speeds with its last
  tick, subscribed or not.
"""
