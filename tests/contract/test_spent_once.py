"""Of 32 who show one proof at the same moment, by whichever door, one gets in."""

from dataclasses import dataclass, field, replace
from uuid import uuid4

import pytest

from adapters.environment import SystemSecrets, Uuid7Ids
from adapters.security.derived_codes import HmacCodes
from adapters.security.opaque_tokens import HmacTokens
from adapters.security.secret_hashes import HmacSecretHasher
from adapters.security.secret_keys import SecretKeys
from adapters.security.vault import AesVault
from application.assurance import StepUp
from application.challenges import challenge_token
from application.email_codes import SignInWithEmailCode
from application.factor_proofs import Proof, ProveFactor
from application.passkeys import SignInWithPasskey
from application.passwords import ProvePassword
from application.ports.unit_of_work import Persistence
from application.second_factors import totp_row
from application.sessions import IssueTokens
from application.signing_in import FinishSignIn, OpenSession
from domain.access import Principal
from domain.accounts import Account
from domain.attempts import AttemptPolicy
from domain.challenges import Challenge, ChallengeInvalid, ChallengeKind
from domain.email_codes import BrowserToken, EmailCodePolicy, EmailCodeWrong
from domain.kernel import ChallengeId
from domain.one_time_tokens import Purpose
from domain.passkeys import Passkey, PasskeyWrong
from domain.second_factors import FactorPolicy, FactorsLocked, FactorWrong, SecondFactors, Totp
from domain.sessions import Client, Session, SessionPolicy
from tests.application.fakes import FastHasher, HonestPasskeys, JsonAccessTokens, NumberedCodes
from tests.builders import DAY, MINUTE, NOON, FixedClock, a_passkey, a_session, an_email_code, second_factors, step_of
from tests.contract.given import events, signed_up
from tests.contract.threads import MANY, at_once, tally

HOME = Client(user_agent="Firefox", network="192.0.2.1/32")
PATIENT = FactorPolicy(challenge_tries=MANY, failures=2 * MANY)
"""So that neither tries nor failures decide."""
RECOVERY_CODES = [f"CODE-{number}" for number in range(MANY)]
CODE = NumberedCodes.code(NOON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Ada, who has every factor, and the ways in."""

    database: Persistence
    account: Account
    passkey: Passkey
    policy: FactorPolicy
    secret: SecretKeys
    clock: FixedClock = field(default_factory=FixedClock)
    ids: Uuid7Ids = field(default_factory=Uuid7Ids)
    passkeys: HonestPasskeys = field(default_factory=HonestPasskeys)

    @property
    def tokens(self) -> HmacTokens:
        return HmacTokens(self.secret)

    @property
    def issue_tokens(self) -> IssueTokens:
        return IssueTokens(
            access_tokens=JsonAccessTokens(),
            opaque_tokens=self.tokens,
            policy=SessionPolicy(),
            ids=self.ids,
            audiences=("backend",),
        )

    @property
    def open_session(self) -> OpenSession:
        return OpenSession(
            issue_tokens=self.issue_tokens,
            opaque_tokens=self.tokens,
            passkeys=self.passkeys,
            policy=SessionPolicy(),
            factor_policy=self.policy,
            secrets=SystemSecrets(),
            ids=self.ids,
        )

    @property
    def prove(self) -> ProveFactor:
        return ProveFactor(
            totp=NumberedCodes(),
            passkeys=self.passkeys,
            secret_hasher=HmacSecretHasher(self.secret),
            vault=AesVault(self.secret),
            policy=self.policy,
            ids=self.ids,
        )

    # ---- the doors

    def finish(self, challenge: str, proof: Proof) -> bool:
        """The second step of a sign-in."""
        finish = FinishSignIn(
            unit_of_work=self.database.unit_of_work,
            tokens=self.tokens,
            prove=self.prove,
            open_session=self.open_session,
            policy=self.policy,
            clock=self.clock,
            ids=self.ids,
        )
        return bool(finish(challenge=challenge, proof=proof, trust_device=True, client=HOME))

    def step_up(self, session: Session, proof: Proof) -> bool:
        begin = self.database.unit_of_work
        password = ProvePassword(unit_of_work=begin, passwords=FastHasher(), policy=AttemptPolicy(), clock=self.clock)
        step_up = StepUp(
            unit_of_work=begin,
            tokens=self.tokens,
            prove_password=password,
            prove=self.prove,
            issue_tokens=self.issue_tokens,
            policy=SessionPolicy(),
            factor_policy=self.policy,
            clock=self.clock,
            ids=self.ids,
        )
        principal = Principal(account=self.account, session=session)
        return bool(step_up(principal=principal, proof=proof, client=HOME))

    def by_passkey(self, challenge: Challenge, *, count: int) -> bool:
        sign_in = SignInWithPasskey(
            unit_of_work=self.database.unit_of_work,
            autocommit=self.database.autocommit,
            passkeys=self.passkeys,
            tokens=self.tokens,
            open_session=self.open_session,
            policy=self.policy,
            clock=self.clock,
            ids=self.ids,
        )
        answer = self.passkeys.answer(
            self.passkey.credential_id, owner=self.account.id, random=challenge.random, count=count
        )
        token = challenge_token(self.tokens, challenge)
        return bool(sign_in(challenge=token, credential=answer, client=HOME))

    def by_email_code(self, browser_token: str, code: str) -> bool:
        sign_in = SignInWithEmailCode(
            unit_of_work=self.database.unit_of_work,
            autocommit=self.database.autocommit,
            tokens=self.tokens,
            codes=HmacCodes(self.secret),
            open_session=self.open_session,
            policy=EmailCodePolicy(tries=MANY),
            attempt_policy=AttemptPolicy(failures_by_network=MANY + 1, failures_a_day=MANY + 1),
            clock=self.clock,
        )
        return bool(sign_in(browser_token=browser_token, code=code, client=HOME))

    # ---- what is there

    def asked(self) -> str:
        """A challenge of a sign-in whose first factor was right."""
        challenge = Challenge.of_account(
            ChallengeKind.SECOND_FACTOR,
            id=ChallengeId(self.ids.new()),
            account_id=self.account.id,
            random=b"random",
            credentials_epoch=self.account.credentials_epoch,
            lifetime=5 * MINUTE,
            at=NOON,
        )
        self._add(challenge)
        return challenge_token(self.tokens, challenge)

    def asked_of_nobody(self) -> Challenge:
        challenge = Challenge.of_nobody(
            id=ChallengeId(self.ids.new()), random=uuid4().bytes, lifetime=5 * MINUTE, at=NOON
        )
        self._add(challenge)
        return challenge

    def _add(self, challenge: Challenge) -> None:
        with self.database.autocommit() as calls:
            calls.challenges.add(challenge)

    def factors(self) -> SecondFactors:
        with self.database.autocommit() as reads:
            found = reads.second_factors.find(self.account.id)
        assert found
        return found

    def sessions(self) -> list[Session]:
        with self.database.autocommit() as reads:
            return reads.sessions.page(self.account.id, limit=100, after=None, at=NOON)[0]

    def count(self, event: str) -> int:
        return [name for name, _ in events(self.database, self.account.id)].count(event)


def opened(database: Persistence, *, policy: FactorPolicy = PATIENT, sign_count: int = 1) -> Doors:
    secret = SecretKeys("a secret of the tests")
    account = signed_up(database, has_second_factor=True)
    passkey = a_passkey(account_id=account.id, sign_count=sign_count)
    with database.unit_of_work() as uow:
        factors = second_factors(
            account_id=account.id,
            totp=Totp(
                sealed_secret=AesVault(secret).seal("SECRET", row=totp_row(account.id)),
                enrolled_at=NOON - DAY,
                last_step=step_of(NOON) - 1,
            ),
            recovery_hashes=tuple(HmacSecretHasher(secret).hash(code.replace("-", "")) for code in RECOVERY_CODES),
            failures=0,
            locks=0,
            locked_until=None,
            version=uow.second_factors.lock(account.id).version,
        )
        uow.second_factors.save(factors)
        uow.passkeys.add(passkey)
    return Doors(database=database, account=account, passkey=passkey, policy=policy, secret=secret)


@pytest.fixture
def doors(database: Persistence) -> Doors:
    return opened(database)


def signed_in(doors: Doors) -> Session:
    session = a_session(account_id=doors.account.id, aal=1)
    with doors.database.unit_of_work() as uow:
        uow.sessions.add(session)
    return session


def test_a_code_of_the_app_signs_in_once(doors: Doors) -> None:
    challenges = [doors.asked() for _ in range(MANY)]
    outcomes = at_once(lambda number: doors.finish(challenges[number], Proof(code=CODE)))
    assert tally(outcomes) == {True: 1, FactorWrong: MANY - 1}
    assert len(doors.sessions()) == 1
    assert doors.factors().failures == MANY - 1


def test_a_code_of_the_app_that_is_merely_sent_twice_is_no_failure(doors: Doors) -> None:
    challenge = doors.asked()
    outcomes = at_once(lambda _: doors.finish(challenge, Proof(code=CODE)))
    assert tally(outcomes) == {True: 1, ChallengeInvalid: MANY - 1}
    assert doors.factors().failures == 0


def test_a_code_of_the_app_steps_a_session_up_once(doors: Doors) -> None:
    session = signed_in(doors)
    outcomes = at_once(lambda _: doors.step_up(session, Proof(code=CODE)))
    assert tally(outcomes) == {True: 1, FactorWrong: MANY - 1}
    (raised,) = doors.sessions()
    assert (raised.aal, raised.generation) == (2, session.generation + 1)


@pytest.mark.parametrize("proof", [Proof(code=CODE), Proof(recovery_code=RECOVERY_CODES[0])], ids=["code", "recovery"])
def test_what_signs_in_steps_nobody_up(doors: Doors, proof: Proof) -> None:
    session, challenges = signed_in(doors), [doors.asked() for _ in range(MANY)]

    def either(number: int) -> bool:
        return doors.step_up(session, proof) if number % 2 else doors.finish(challenges[number], proof)

    assert tally(at_once(either)) == {True: 1, FactorWrong: MANY - 1}


def test_a_recovery_code_signs_in_once(doors: Doors) -> None:
    challenges = [doors.asked() for _ in range(MANY)]
    outcomes = at_once(lambda number: doors.finish(challenges[number], Proof(recovery_code=RECOVERY_CODES[0])))
    assert tally(outcomes) == {True: 1, FactorWrong: MANY - 1}
    assert len(doors.factors().recovery_hashes) == MANY - 1
    assert doors.count("factor.recovery_code_used") == 1


def test_a_challenge_is_answered_once_and_who_comes_late_loses_no_recovery_code(doors: Doors) -> None:
    challenge = doors.asked()
    outcomes = at_once(lambda number: doors.finish(challenge, Proof(recovery_code=RECOVERY_CODES[number])))
    assert tally(outcomes) == {True: 1, ChallengeInvalid: MANY - 1}
    assert len(doors.factors().recovery_hashes) == MANY - 1
    assert len(doors.sessions()) == 1


def test_a_challenge_is_tried_five_times_however_many_try(database: Persistence) -> None:
    doors = opened(database, policy=FactorPolicy())
    challenge = doors.asked()
    outcomes = at_once(lambda _: doors.finish(challenge, Proof(code="000000")))
    assert tally(outcomes) == {FactorWrong: 5, ChallengeInvalid: MANY - 5}
    assert doors.factors().failures == 5


def test_ten_codes_are_guessed_however_many_guess(database: Persistence) -> None:
    doors = opened(database, policy=FactorPolicy())
    challenges = [doors.asked() for _ in range(MANY)]
    outcomes = at_once(lambda number: doors.finish(challenges[number], Proof(code="000000")))
    assert tally(outcomes) == {FactorWrong: 10, FactorsLocked: MANY - 10}
    assert doors.count("factor.locked") == 1


def test_a_count_of_a_passkey_signs_in_once(doors: Doors) -> None:
    challenges = [doors.asked_of_nobody() for _ in range(MANY)]
    outcomes = at_once(lambda number: doors.by_passkey(challenges[number], count=2))
    assert tally(outcomes) == {True: 1, PasskeyWrong: MANY - 1}
    assert doors.count("passkey.cloned") == MANY - 1
    assert len(doors.sessions()) == 1
    with doors.database.autocommit() as reads:
        passkey = reads.passkeys.find(doors.account.id, doors.passkey.id)
    assert passkey
    assert passkey.sign_count == 2


def test_an_answer_of_a_passkey_that_is_merely_sent_twice_is_that_of_no_copy(doors: Doors) -> None:
    challenge = doors.asked_of_nobody()
    outcomes = at_once(lambda _: doors.by_passkey(challenge, count=2))
    assert tally(outcomes) == {True: 1, ChallengeInvalid: MANY - 1}
    assert doors.count("passkey.cloned") == 0


def test_a_passkey_that_does_not_count_answers_a_challenge_once(database: Persistence) -> None:
    doors = opened(database, sign_count=0)
    challenge = doors.asked_of_nobody()
    outcomes = at_once(lambda _: doors.by_passkey(challenge, count=0))
    assert tally(outcomes) == {True: 1, ChallengeInvalid: MANY - 1}
    assert len(doors.sessions()) == 1


def test_a_passkey_leaves_nothing_in_an_account_that_it_merely_names(doors: Doors) -> None:
    named = replace(doors, account=signed_up(doors.database))
    with pytest.raises(PasskeyWrong):
        named.by_passkey(named.asked_of_nobody(), count=2)
    with doors.database.autocommit() as reads:
        assert reads.second_factors.find(named.account.id) is None


def test_a_code_from_a_mail_signs_in_once(database: Persistence) -> None:
    doors = opened(database)
    waiting = an_email_code(email=doors.account.email, tries=0)
    with database.unit_of_work() as uow:
        uow.email_codes.add(waiting)
    kept = BrowserToken(address_digest=waiting.email.digest, id=waiting.id, scheduled_at=NOON)
    browser_token = doors.tokens.issue(Purpose.EMAIL_CODE, kept.pack())
    code = HmacCodes(doors.secret).digits(Purpose.EMAIL_CODE, kept.code_payload)
    outcomes = at_once(lambda _: doors.by_email_code(browser_token, code))
    assert tally(outcomes) == {True: 1, EmailCodeWrong: MANY - 1}
