from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from domain.access import Place, Subject
from domain.api_keys import KeyKind
from domain.kernel import AccountId, ActorId, ApiKeyId, OrganizationId, SessionId

Asked = tuple[OrganizationId, ActorId]


class Access(Protocol):
    """Who somebody is and what they are in an organization. Each is one query, for every request comes through here."""

    def by_session(
        self,
        account_id: AccountId,
        session_id: SessionId,
        *,
        organization_id: OrganizationId | None = None,
        other_id: ActorId | None = None,
    ) -> tuple[Subject, Place | None] | None:
        """The person of the session, with their standing in the organization, if one is named; and the place in it of
        whoever `other_id` names. None if there is no such session, be it live or not.

        A deleted organization has no members.
        """

    def by_key(
        self,
        kind: KeyKind,
        owner_id: UUID,
        id: ApiKeyId,
        *,
        organization_id: OrganizationId | None = None,
        other_id: ActorId | None = None,
    ) -> tuple[Subject, Place | None] | None:
        """The holder of the key; where an organization is named, with their standing in that of the key, and the place
        of the other in the one that is named. None if there is no such key of that kind, be it live or not, nobody
        whose it is, or the organization that it was made for was deleted.

        A membership that ends takes its keys with it. Where an organization is named that is looked at once more.
        """

    def places(self, asked: Collection[Asked]) -> Mapping[Asked, Place]:
        """What whoever is asked about is in the organization beside them: at most two queries, however many they are.
        Whoever does not belong there is left out: of them nothing is said, not even that they exist."""
