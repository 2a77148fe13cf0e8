"""A small FAQ of a made-up lighthouse museum: quick to learn, and about nothing that the bot's own FAQ is about."""

from __future__ import annotations

from collections.abc import Mapping

from bot.matching.lessons import Lessons

ASKS: Mapping[str, tuple[str, ...]] = {
    "dogs": (
        "can i bring my dog",
        "are dogs allowed inside",
        "is my puppy welcome",
        "do you let pets in",
        "may i take a small dog along",
        "dog friendly?",
        "what about my pet dog",
        "are animals permitted in the tower",
        "dogs on a lead ok",
        "can our labrador come with us",
        "must the dog wait outside",
        "is there water for dogs",
    ),
    "opening": (
        "when do you open",
        "what are your opening hours",
        "what time do you close",
        "are you open on sunday",
        "opening times please",
        "how late are you open",
        "is the museum open today",
        "until what hour can i come in",
        "are you closed on monday",
        "do you open early in the morning",
        "hours on public holidays",
        "when does the museum shut",
    ),
    "parking": (
        "where can i park",
        "is there a car park",
        "do you have parking spaces",
        "where do i leave my car",
        "is parking free",
        "how far is the nearest parking",
        "can a coach park near the tower",
        "parking for disabled visitors",
        "any garage close to you",
        "may i park my van overnight",
        "is street parking possible",
        "car parking cost",
    ),
    "tickets": (
        "how much is a ticket",
        "what does entry cost",
        "price of admission",
        "do children pay less",
        "is there a family ticket",
        "can i buy tickets online",
        "student discount on tickets?",
        "how expensive is it to get in",
        "are tickets sold at the door",
        "do seniors get cheaper admission",
        "what is the entrance fee",
        "ticket prices for groups",
    ),
}
TALK = (
    "hello there",
    "good morning everyone",
    "thanks a lot",
    "thank you so much",
    "bye for now",
    "have a nice evening",
    "nice to meet you",
    "see you later",
)
UNRELATED = (
    "who wrote war and peace",
    "how tall is mount everest",
    "the stock market fell again",
    "recipe for banana bread",
    "my phone battery dies quickly",
    "which team won the final",
    "translate this into french",
    "why is the sky blue",
    "what is the capital of peru",
    "my sister plays the violin",
    "install the latest update",
    "how do volcanoes erupt",
)
LESSONS = Lessons(asks=ASKS, talk=TALK, unrelated=UNRELATED)
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "dog": ("poodle", "four legged friend"),
    "car_park": ("lorry", "camper van"),
}
