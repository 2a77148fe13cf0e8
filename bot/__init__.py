"""Aftercare: a Telegram bot that looks after patients after dry needling, and the tools of their clinic.

The house, from the roof down; a floor imports only from the floors below it (import-linter keeps it)::

    cli  cli_…  terminal           the command line; a command's module is imported when it is asked for
    rehearsal  demo  desk          72 hours in seconds; the sandbox with the real bot in it; what commands are made of
    asking  measure                the bot without a chat: one line, a file of lines, and how well they are understood
    wiring  logs                   builds every object once; the only reader of the clock and of chance
    chat/ | web/                   in and out: the only room that knows python-telegram-bot | HTTP in: the webhook
        app duty                     the loops, from start to end; the lease: who is on duty, who stands by
        poll line bell               updates in; through the handlers, a lane for each chat; what rings when something is due
        request pools messenger      the way to Telegram: whose answer it is, connections, one message and its answer
    service/                       what the program does, one transaction a step; knows no Telegram, reads no clock
        receive                      a patient's update: red flags first, then taps, commands, pictures, words
        serve_staff                  the staff group's: binding, alerts, replies  (register, show_day: its lists)
        understand                   what a message is: the one seam, for chats and for `aftercare ask`
        look_ahead delay park        danger first in a backlog; what comes late; what could not be handled, and who is told
        enrol ask follow_up leave    invites and consent; answers; check-ins; stopping and forgetting
        travel reschedule            whose clock and whose night count for a patient, and what moves with them
        alarm hand_off               danger to staff, and messages between patient and staff
        dispatch announce raise_again  what is due → outbox: check-ins and reminders by day; alerts nobody has acknowledged
        deliver outcome line_state   outbox → Telegram; what follows from its answers; whether the line answers at all
        downtime keep_house          what staff hear after the bot was down; what is old → gone
        turn ports card              one conversation's moment; the edge to Telegram; what is printed
    learning                       what the bot knows of the words: learned once, then read from a cache
    storage/ | content/            SQL (SQLAlchemy, Alembic) | YAML into values, every fault with file and line
    matching/                      which topic a message asks for, and a second opinion on danger; numpy, no I/O but a cache
    domain/                        pure decisions: triage, conversation, plan, timing, place, check-in, message, pacing
    sandbox/                       the annexe: a Telegram on localhost; shares no code with the house

One update, from Telegram and back: fetched (`chat.poll`) or brought (`web.webhook`), it is stored in the inbox before
Telegram is told that it arrived; `chat.app` takes it through python-telegram-bot's handlers (`chat.for_patients`,
`chat.for_staff`) to `service.receive` or `service.serve_staff`; state changes, the outbox rows and "handled" are one
transaction; `service.deliver` sends what is in the outbox through `chat.messenger`: as many messages at a time as Telegram's
pace allows (`domain.pacing`), one for each chat, and records the answers in the transaction that claims the next ones.

Trouble has one place each: an update that fails, `service.park`; a message that fails, `service.outcome`; Telegram away,
`service.line_state` (everything pauses once, nothing is tried in vain, and what may have arrived is repeated only when
Telegram answers again); the database away, `chat.app` (every loop waits, and
nothing is acknowledged that was not stored); another process on duty, `chat.duty`.

One message, understood (`service.understand`): the rules of `domain.triage` read it for signs of danger; `matching.mind`
gives the second opinion; then come what was said before (`domain.conversation`), small talk, and `matching.matcher`: slips
mended (`reading`), n-grams and a place in the table of word vectors (`features`), a linear classifier and the nearest
phrasings (`model`), weighed into two likelihoods (`evidence`): is it a question for us, and is the first topic right? The
bars they must reach are learned (`learn`) from phrasings that were held out.

Where it departs from the design's page, and why:

* The handlers translate and hand on; commands and taps are told apart in `service`, so that a whole conversation can
  be tested without Telegram (`tests/kit/story.py`).
* `desk` (on the roof) is what the command line is made of; the clinic's web page will have its place in `web/`.
* The second opinion on danger may do more than ask: where a message is like known reports of danger for certain, it
  counts as a red flag, and it confirms rules that are marked weak. On lines kept apart the rules alone met 87 % of the
  emergencies; asking all the others "do you have this now?" would have reached them late, or not at all.
* The lease is lost by giving no sign of life for ten seconds, by the clock of whoever waits: clocks of two machines differ.
* PostgreSQL's transactions take turns, as SQLite's do (`storage.tuning`): one bot's 30 messages a second do not need more, and
  a rule that reads and then writes holds on both.
* A message that waits for another try has a state of its own, `again`, and one that may have arrived, `doubt`: what holds up a
  chat is found at a glance. One that has failed for minutes holds up its chat no more, nor does an update that fails again.
* Danger obeys a group's limit of 20 messages a minute, of which four are kept for it: Telegram's 429 would silence the bot for
  everybody else in danger.
* A check-in announces itself with one tap to start, because its first words stand on locked screens (promise 7).
"""
