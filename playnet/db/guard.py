"""What PostgreSQL, asyncpg and the network raise, told apart by what a caller can do about it.

Unavailable: the same statement may work later. StorageFull: somebody must free space. Everything else (a broken
constraint, a statement that does not parse) is a mistake of ours and stays what it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from playnet.errors import StorageFull, Unavailable

_LATER: tuple[type[asyncpg.PostgresError], ...] = (
    asyncpg.PostgresConnectionError,  # class 08, and a connection that died under a statement
    asyncpg.OperatorInterventionError,  # class 57: shutdown, crash, still starting, statement timeout
    asyncpg.InsufficientResourcesError,  # class 53: too many connections, out of memory
    asyncpg.InvalidAuthorizationSpecificationError,  # class 28: wrong account or password; an operator can mend it
    asyncpg.InvalidCatalogNameError,  # 3D000: the database is not there (yet)
    asyncpg.ReadOnlySQLTransactionError,  # 25006: a failover is under way
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,  # 55P03: lock_timeout
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)


@contextmanager
def translate() -> Iterator[None]:
    """Run statements inside: what can be retried comes out as Unavailable, a full disk as StorageFull."""
    try:
        yield
    except asyncpg.DiskFullError as exc:
        raise StorageFull("the disk of the database is full") from exc
    except _LATER as exc:
        raise Unavailable(f"the database does not take the statement: {exc}", sqlstate=exc.sqlstate) from exc
    except (asyncpg.DataError, asyncpg.ClientConfigurationError):
        raise  # both are InterfaceErrors, and both are wrong arguments
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as exc:
        raise Unavailable(f"the connection to the database is gone: {exc}") from exc
    except TimeoutError as exc:
        raise Unavailable("the database did not answer in time") from exc
    except OSError as exc:
        raise Unavailable(f"the database cannot be reached: {exc.strerror or exc}") from exc
