"""Which topic a message asks for: learned from the FAQ's phrasings, read with numpy alone, in a millisecond or two."""
