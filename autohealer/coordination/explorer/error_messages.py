"""What ZooKeeper answers where it does not do what was asked: in zkCli's words, and with what to do about it."""

from __future__ import annotations

from kazoo.exceptions import (
    AuthFailedError,
    BadArgumentsError,
    BadVersionError,
    InvalidACLError,
    KazooException,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    UnimplementedError,
)

from autohealer.errors import AutohealerError, UsageError


class NoSuchNodeError(AutohealerError):
    """There is no node of this path."""


class HasChildrenError(AutohealerError):
    """A node with children cannot be deleted."""


_KNOWN: dict[type[KazooException], tuple[type[AutohealerError], str, str]] = {
    NoNodeError: (NoSuchNodeError, "Node does not exist: {}", "see what there is with: autohealer zk ls /"),
    NodeExistsError: (AutohealerError, "Node already exists: {}", "change it with set, or delete it first"),
    NotEmptyError: (HasChildrenError, "Node not empty: {}", "deleteall deletes it with all that is below it"),
    NoAuthError: (
        AutohealerError,
        "Insufficient permission: {}",
        "give credentials: AUTOHEALER_ZK_AUTH=digest:USER:PASSWORD, or --auth-file",
    ),
    AuthFailedError: (AutohealerError, "ZooKeeper refuses the credentials for {}", "check AUTOHEALER_ZK_AUTH"),
    BadVersionError: (AutohealerError, "Version is not valid: {}", "it has changed meanwhile; see its stat"),
    NoChildrenForEphemeralsError: (
        AutohealerError,
        "Ephemerals cannot have children: {}",
        "put it below a node that is not ephemeral",
    ),
    InvalidACLError: (
        UsageError,
        "Acl is not valid: {}",
        "write it as world:anyone:cdrwa, digest:USER:HASH:cdrwa or ip:ADDRESS:cdrwa",
    ),
    BadArgumentsError: (UsageError, "ZooKeeper does not let this be done to {}", "it is ZooKeeper's own"),
    UnimplementedError: (
        AutohealerError,
        "this ZooKeeper cannot do that: {}",
        "containers and TTLs need ZooKeeper 3.5, and TTLs its setting extendedTypesEnabled=true",
    ),
}


def in_words(error: KazooException, path: str) -> AutohealerError:
    """The error to raise for what was to be done at this path."""
    kind, words, hint = _KNOWN.get(type(error), (AutohealerError, "ZooKeeper refuses: {}", type(error).__name__))
    return kind(words.format(path), hint)
