"""The use cases of organizations, of who is in them, and of keys, wired by hand."""

from datetime import timedelta

from application.access import CheckAccess, CheckAccessOfMany
from application.api_keys import (
    IssueApiKey,
    ListPersonalKeys,
    ListServiceKeys,
    MakePersonalKey,
    MakeServiceKey,
    RevokePersonalKey,
    RevokeServiceKey,
    RotatePersonalKey,
    RotateServiceKey,
)
from application.catalogue import ApplyCatalogue, PlanCatalogue
from application.invitations import (
    AcceptInvitation,
    DeclineInvitation,
    Invite,
    ListInvitations,
    ListMyInvitations,
    RevokeInvitation,
)
from application.memberships import ChangeMemberRole, LeaveOrganization, ListMembers, RemoveMember
from application.organizations import (
    ChangeOrganization,
    DeleteOrganization,
    ListOrganizations,
    MakeOrganization,
    RemoveDeletedOrganizations,
    ShowOrganization,
)
from application.ports.environment import Clock, Ids, Secrets
from application.ports.security import OpaqueTokens, SecretHasher
from application.ports.unit_of_work import Begin
from application.roles import ChangeRole, DeleteRole, ListRoles, MakeRole, ShowCatalogue
from application.service_accounts import (
    ChangeServiceAccount,
    DeleteServiceAccount,
    ListServiceAccounts,
    MakeServiceAccount,
)
from application.sessions import EnterOrganization, IssueTokens
from domain.assurance import AssurancePolicy
from domain.mail import MailPolicy

MOST_OWNED, MOST_A_DAY = 10, 500


class OrganizationUseCases:
    def offer_organizations(
        self,
        *,
        unit_of_work: Begin,
        autocommit: Begin,
        tokens: OpaqueTokens,
        issue_tokens: IssueTokens,
        secret_hasher: SecretHasher,
        secrets: Secrets,
        assurance: AssurancePolicy,
        mail_policy: MailPolicy,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self.make_organization = MakeOrganization(
            unit_of_work=unit_of_work, most_owned=MOST_OWNED, clock=clock, ids=ids
        )
        self.list_organizations = ListOrganizations(autocommit=autocommit)
        self.show_organization = ShowOrganization(autocommit=autocommit)
        self.change_organization = ChangeOrganization(unit_of_work=unit_of_work, clock=clock)
        self.delete_organization = DeleteOrganization(unit_of_work=unit_of_work, clock=clock)
        self.remove_deleted_organizations = RemoveDeletedOrganizations(unit_of_work=unit_of_work, clock=clock, batch=2)
        self.enter_organization = EnterOrganization(issue_tokens=issue_tokens, clock=clock)

        self.list_members = ListMembers(autocommit=autocommit)
        self.change_member_role = ChangeMemberRole(unit_of_work=unit_of_work, clock=clock)
        self.remove_member = RemoveMember(unit_of_work=unit_of_work, clock=clock)
        self.leave_organization = LeaveOrganization(unit_of_work=unit_of_work, clock=clock)

        self.invite = Invite(
            unit_of_work=unit_of_work,
            lifetime=timedelta(hours=48),
            most_a_day=MOST_A_DAY,
            mail_policy=mail_policy,
            clock=clock,
            ids=ids,
        )
        self.list_invitations = ListInvitations(autocommit=autocommit, clock=clock)
        self.revoke_invitation = RevokeInvitation(unit_of_work=unit_of_work, clock=clock)
        self.list_my_invitations = ListMyInvitations(autocommit=autocommit, tokens=tokens, clock=clock)
        self.accept_invitation = AcceptInvitation(unit_of_work=unit_of_work, tokens=tokens, clock=clock, ids=ids)
        self.decline_invitation = DeclineInvitation(unit_of_work=unit_of_work, tokens=tokens, clock=clock)

        self.show_catalogue = ShowCatalogue(autocommit=autocommit)
        self.plan_catalogue = PlanCatalogue(autocommit=autocommit)
        self.apply_catalogue = ApplyCatalogue(unit_of_work=unit_of_work)
        self.list_roles = ListRoles(autocommit=autocommit)
        self.make_role = MakeRole(unit_of_work=unit_of_work, clock=clock, ids=ids)
        self.change_role = ChangeRole(unit_of_work=unit_of_work, clock=clock)
        self.delete_role = DeleteRole(unit_of_work=unit_of_work, clock=clock)

        self.list_service_accounts = ListServiceAccounts(autocommit=autocommit)
        self.make_service_account = MakeServiceAccount(unit_of_work=unit_of_work, clock=clock, ids=ids)
        self.change_service_account = ChangeServiceAccount(unit_of_work=unit_of_work, clock=clock)
        self.delete_service_account = DeleteServiceAccount(unit_of_work=unit_of_work, clock=clock)

        issue_key = IssueApiKey(secrets=secrets, hasher=secret_hasher, overlap=timedelta(hours=24))
        self.make_personal_key = MakePersonalKey(
            assurance=assurance, unit_of_work=unit_of_work, issue=issue_key, clock=clock, ids=ids
        )
        self.list_personal_keys = ListPersonalKeys(autocommit=autocommit)
        self.rotate_personal_key = RotatePersonalKey(
            assurance=assurance, unit_of_work=unit_of_work, issue=issue_key, clock=clock
        )
        self.revoke_personal_key = RevokePersonalKey(assurance=assurance, unit_of_work=unit_of_work, clock=clock)
        self.make_service_key = MakeServiceKey(
            assurance=assurance, unit_of_work=unit_of_work, issue=issue_key, clock=clock, ids=ids
        )
        self.list_service_keys = ListServiceKeys(autocommit=autocommit)
        self.rotate_service_key = RotateServiceKey(
            assurance=assurance, unit_of_work=unit_of_work, issue=issue_key, clock=clock
        )
        self.revoke_service_key = RevokeServiceKey(assurance=assurance, unit_of_work=unit_of_work, clock=clock)

        self.check_access = CheckAccess()
        self.check_access_of_many = CheckAccessOfMany(autocommit=autocommit)
