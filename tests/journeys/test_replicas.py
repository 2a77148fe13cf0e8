"""Several processes on one PostgreSQL: one at work, the others ready; killed, frozen, stopped, and the server away.

With real processes against the emulator, under the crowd's mixed load:

1. Of three processes one polls and sends; each time it is killed another is at work within 15 seconds, and nothing is lost.
2. The same with a webhook: what a process that stands by has acknowledged, the one at work handles.
3. PostgreSQL started anew, away for a while, crashed: the processes live, and nothing acknowledged was not stored.
4. A process that was frozen finds that another has taken over, and ends with a sentence instead of sending beside it.
5. One that is asked to stop gives its lease back: the next is at work within 3 seconds.
6. Two that start together on an empty database make its tables once, and one of them is at work.
"""
