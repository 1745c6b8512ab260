"""The house's sign-in and directory as the tests start them: real providers, each a child of a test."""
