"""What goes wrong with the database, in our own words."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from airgap_shared.errors import AirgapError, FileError, JournalError


@contextmanager
def journal_errors() -> Iterator[None]:
    """Name the database's failures; the machine's full disk is not the journal's."""
    try:
        yield
    except AirgapError:
        raise
    except SQLAlchemyError as error:
        text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        if "full" in text:
            raise FileError(
                "file.disk_full", "no space left for the journal"
            ) from error
        raise JournalError("journal.database", f"the journal fails: {text}") from error
