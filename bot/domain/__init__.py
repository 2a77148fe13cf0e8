"""Ground floor: pure decisions. No I/O, no clock, no framework; a clinician can review it, a test can run it alone."""
