"""The people the page starts with."""

from bot.sandbox.sandbox import Sandbox

GROUP = "Orchard Physio staff"


def add_cast(sandbox: Sandbox) -> None:
    """Add two patients with their phones, and a staff group of two with the bot in it."""
    sandbox.add_person("Ana", last_name="Lim", username="ana_lim")
    sandbox.add_person("Ben", last_name="Tan")
    mei = sandbox.add_person("Mei (physio)", username="mei_physio", phone=False)
    raj = sandbox.add_person("Raj (front desk)", phone=False)
    sandbox.add_group(GROUP, members=[mei, raj])
