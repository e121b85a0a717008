"""What only the staff side keeps."""

from portal.models.sign_ins import SignInTally

__all__ = ["SignInTally"]
