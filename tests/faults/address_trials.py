"""Trials of receivers' addresses: certificates that do not hold, and names that lead to where nothing may be sent."""

import socket
import ssl
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from batchctl.domain.report import WebhookReport
from batchctl.gateways.resolver import Resolve
from batchctl.simulator.receiver import Receiver
from tests.faults.endings import end_quietly
from tests.faults.ground import Ground
from tests.faults.network import (
    AUTHORITIES_PEM,
    ELSEWHERE_PEM,
    EXPIRED_PEM,
    HOST,
    LOOPBACK,
    NO_SUCH_NAME,
    STRANGER_PEM,
    Names,
    client,
    port_of,
    showing,
)
from tests.faults.receiver_trials import ended, prepare
from tests.faults.serial import SerialHttp
from tests.faults.trial import Kinds
from tests.gateways.scripted import TRUSTED_PEM, ScriptedServer, answer, unasked
from tests.scenario import PLACES, SECRET, Company

PUBLIC, PUBLIC_V6 = "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"
"""Addresses that are nobody's in trials: connections to them are led to the trial's own receiver."""


def _old_tls(context: ssl.SSLContext) -> None:
    """Have a server speak TLS 1.0 and nothing newer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # That is what the trial is about.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1


TLS_FAULTS: dict[str, tuple[Callable[[ssl.SSLContext], object], str]] = {
    "expired": (lambda tls: tls.load_cert_chain(EXPIRED_PEM), "TLS: TLS: certificate has expired"),
    "wrong name": (lambda tls: tls.load_cert_chain(ELSEWHERE_PEM), "TLS: TLS: Hostname mismatch"),
    "self-signed": (lambda tls: tls.load_cert_chain(STRANGER_PEM), "TLS: TLS: self-signed certificate"),
    "TLS 1.0": (_old_tls, "TLS: TLS: "),
}
"""What a receiver shows, and how the error of a try begins that meets it."""


def tls_trial(company: Company, name: str) -> None:
    """Let a receiver's TLS be at fault: nothing is sent to it, in no other way either; once it is mended, all is."""
    break_, error = TLS_FAULTS[name]
    tls = showing(TRUSTED_PEM)
    break_(tls)
    prepare(company, timeout_ms=2000)
    with Receiver(secret=SECRET, tls=tls) as company.receiver, client(PLACES, Names(LOOPBACK)) as http:
        company.world = replace(company.world, webhook_http=http)
        batch_id = ended(company, f"https://{HOST}:{port_of(company.receiver.base_url)}/")
        assert company.run_pass().webhook == WebhookReport(retrying=1)
        assert company.tries(batch_id)[0].error.startswith(error)
        assert company.receiver.journal.entries == ()
        assert company.receiver.connections == 1
        tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED
        tls.load_cert_chain(TRUSTED_PEM)
        _judge_sent_after_all(company, batch_id)


def plain_text_trial(company: Company) -> None:
    """Let plain HTTP be spoken where TLS is due: the event is not sent that way; over TLS it is."""
    prepare(company, timeout_ms=2000)
    with client(PLACES, Names(LOOPBACK)) as http:
        company.world = replace(company.world, webhook_http=http)
        with ScriptedServer(unasked(answer(b"Speak HTTP", status=400))) as plain:
            port = plain.port
            batch_id = ended(company, f"https://{HOST}:{port}/")
            assert company.run_pass().webhook == WebhookReport(retrying=1)
        assert company.tries(batch_id)[0].error.startswith("TLS: ")
        assert plain.requests == []
        with Receiver(secret=SECRET, tls=showing(TRUSTED_PEM), port=port) as company.receiver:
            _judge_sent_after_all(company, batch_id)


def _judge_sent_after_all(company: Company, batch_id: UUID) -> None:
    end_quietly(company)
    (delivery,) = company.deliveries(batch_id)
    assert (delivery.status, delivery.attempts) == ("sent", 2)
    assert [entry.webhook_id for entry in company.receiver.journal.entries] == [str(delivery.id)]
    company.check()


@dataclass(slots=True)
class _Guide:
    """Leads connections to public addresses to the trial's own receiver, and notes them."""

    port: int
    dialled: list[str]

    def __call__(self, address: tuple[str, int], timeout_s: float) -> Any:
        """Connect (see `network.Dial`)."""
        self.dialled.append(address[0])
        return socket.create_connection((LOOPBACK, self.port), timeout_s)


NAME_FAULTS: dict[str, tuple[Sequence[str] | Exception, str | None]] = {
    "a loopback address among public ones": ((PUBLIC, LOOPBACK), "FORBIDDEN_ADDRESS"),
    "a private address": (("10.0.0.7",), "FORBIDDEN_ADDRESS"),
    "a loopback address in IPv6 clothes": (("::ffff:127.0.0.1",), "FORBIDDEN_ADDRESS"),
    "the address of a cloud's own service": (("169.254.169.254",), "FORBIDDEN_ADDRESS"),
    "no address": ((), "DNS"),
    "no such name": (NO_SUCH_NAME, "DNS"),
    "a name server that hangs": (TimeoutError(), "DNS"),
    "IPv6 only": ((PUBLIC_V6,), None),
    "two public addresses": ((PUBLIC, PUBLIC_V6), None),
}
"""What a receiver's name leads to, and how the error of a try begins that meets it; None: it is delivered."""


def name_trial(company: Company, name: str) -> None:
    """Let a receiver's name lead elsewhere: only public addresses are connected to; once it is mended, all is sent."""
    answer, error = NAME_FAULTS[name]
    names = Names()
    names.answer = answer
    prepare(company, timeout_ms=2000, allow_insecure=False)
    with Receiver(secret=SECRET, tls=showing(TRUSTED_PEM)) as company.receiver, ExitStack() as stack:
        guide = _lead(company, stack, names)
        batch_id = ended(company, f"https://{HOST}/hook")
        report = company.run_pass().webhook
        assert report == (WebhookReport(sent=1) if error is None else WebhookReport(retrying=1))
        assert (company.tries(batch_id)[0].error or "").startswith(error or "")
        first = answer[0] if error is None and not isinstance(answer, Exception) else None
        assert guide.dialled == ([first] if first else [])
        names.answer = (PUBLIC,)
        end_quietly(company)
        assert len(company.receiver.journal.delivered()) == 1
        assert set(guide.dialled) <= {PUBLIC, PUBLIC_V6}
        company.check()


def rebinding_trial(company: Company) -> None:
    """Let a name be public at the first look-up and internal at the second: it is looked up once."""
    answers = [PUBLIC]

    def rebind(_host: str, _port: int, _timeout_s: float) -> Sequence[str]:
        return (answers.pop() if answers else LOOPBACK,)

    prepare(company, timeout_ms=2000, allow_insecure=False)
    with Receiver(secret=SECRET, tls=showing(TRUSTED_PEM)) as company.receiver, ExitStack() as stack:
        guide = _lead(company, stack, rebind)
        ended(company, f"https://{HOST}/hook")
        assert company.run_pass().webhook == WebhookReport(sent=1)
        ended(company, f"https://{HOST}/hook")
        company.clock.advance(10)
        company.run_pass()
        assert set(guide.dialled) == {PUBLIC}
        answers += [PUBLIC] * 9
        end_quietly(company)
        company.check()


def _lead(company: Company, stack: ExitStack, resolve: Resolve) -> _Guide:
    guide = _Guide(port_of(company.receiver.base_url), [])
    http = SerialHttp(PLACES, resolve=resolve, dial=guide, ca_file=str(AUTHORITIES_PEM))
    company.world = replace(company.world, webhook_http=stack.enter_context(closing(http)))
    return guide


def _tls(ground: Ground, seed: int) -> None:
    names = [*TLS_FAULTS, None]
    name = names[seed % len(names)]
    with ground.company() as company:
        if name is None:
            plain_text_trial(company)
        else:
            tls_trial(company, name)


def _name(ground: Ground, seed: int) -> None:
    names = [*NAME_FAULTS, None]
    name = names[seed % len(names)]
    with ground.company() as company:
        if name is None:
            rebinding_trial(company)
        else:
            name_trial(company, name)


KINDS: Kinds = {"receiver TLS": _tls, "receiver name": _name}
