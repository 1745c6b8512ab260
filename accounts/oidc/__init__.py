"""The house's single sign-on: discovery, tokens, the trips to the provider and back, and the ends of sessions."""
