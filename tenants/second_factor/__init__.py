"""Second factors of members as pages, API and commands: the step of sign-in, its rules, and the reset by
administrators.
"""
