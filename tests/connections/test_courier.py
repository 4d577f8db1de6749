import json
import threading

from loopback import decision, until

from hardsight.connections.courier import Courier, Patience, Undelivered
from hardsight.connections.outbox import Outbox

QUICK = Patience(first=0.01, most=0.02, closing=0.5)


class Receiver:
    """Takes messages, or refuses them for as long as it is told to."""

    def __init__(self):
        self.taken, self.attempts, self.refusal = [], 0, None

    def __call__(self, body):
        self.attempts += 1
        if self.refusal:
            raise self.refusal
        self.taken.append(json.loads(body))


def courier(path, receiver, patience=QUICK):
    return Courier("receiver", Outbox(path / "a.sqlite"), receiver, patience)


def test_decisions_and_failures_arrive_in_their_order(tmp_path):
    receiver, made = Receiver(), [decision(), decision(label=True)]
    one = courier(tmp_path, receiver)
    one.send(made)
    one.failed("b.png", "no image")
    assert one.close() == []
    first, second, third = receiver.taken
    assert (first["id"], second["id"]) == tuple(d.id for d in made)
    assert first["time"] == made[0].time.isoformat()
    assert (first["label"], second["label"], first["p_value"]) == (False, True, 0.25)
    assert third == {"source": "b.png", "error": "no image"}


def test_what_is_not_taken_is_tried_again_in_order(tmp_path):
    receiver = Receiver()
    receiver.refusal = Undelivered("away")
    one = courier(tmp_path, receiver)
    made = [decision() for _ in range(5)]
    one.send(made)
    until(lambda: receiver.attempts >= 3)
    assert receiver.taken == []
    receiver.refusal = None
    until(lambda: not len(one.outbox))
    assert one.close() == []
    assert [m["id"] for m in receiver.taken] == [d.id for d in made]


def test_an_error_that_nobody_foresaw_ends_no_delivery(tmp_path):
    receiver = Receiver()
    receiver.refusal = UnicodeEncodeError("ascii", "ü", 0, 1, "not in range")
    one = courier(tmp_path, receiver)
    one.send([decision()])
    until(lambda: receiver.attempts >= 2)
    receiver.refusal = None
    until(lambda: not len(one.outbox))
    assert one.close() == []
    assert len(receiver.taken) == 1


def test_what_is_left_at_the_end_waits_for_the_next_time(tmp_path):
    receiver = Receiver()
    receiver.refusal = Undelivered("away")
    one = courier(tmp_path, receiver, Patience(first=0.01, most=0.02, closing=0.05))
    made = decision()
    one.send([made])
    until(lambda: receiver.attempts)
    (told,) = one.close()
    assert "1 messages were not delivered (away)" in told
    receiver.refusal = None
    assert courier(tmp_path, receiver).close() == []
    assert [m["id"] for m in receiver.taken] == [made.id]


def test_what_will_never_be_taken_is_a_dead_letter_and_stops_nothing(tmp_path):
    receiver = Receiver()
    receiver.refusal = Undelivered("bad request", final=True)
    one = courier(tmp_path, receiver)
    lost, kept = decision(), decision()
    one.send([lost])
    until(lambda: not len(one.outbox))
    receiver.refusal = None
    one.send([kept])
    (told,) = one.close()
    assert "1 messages were given up" in told
    (letter,) = map(json.loads, (tmp_path / "a.dead.jsonl").read_text().splitlines())
    assert letter["message"]["id"] == lost.id
    assert letter["reason"] == "bad request"
    assert [m["id"] for m in receiver.taken] == [kept.id]


def test_a_dead_letter_that_was_cut_off_spoils_no_other(tmp_path):
    (tmp_path / "a.dead.jsonl").write_text('{"reason": "bad req')
    receiver, lost = Receiver(), decision()
    receiver.refusal = Undelivered("bad request", final=True)
    one = courier(tmp_path, receiver)
    one.send([lost])
    one.close()
    (letter,) = map(json.loads, (tmp_path / "a.dead.jsonl").read_text().splitlines())
    assert letter["message"]["id"] == lost.id


def test_patience_ends_with_a_dead_letter(tmp_path):
    receiver = Receiver()
    receiver.refusal = Undelivered("away")
    one = courier(tmp_path, receiver, Patience(first=0.01, most=0.02, give_up=0.05))
    one.send([decision()])
    until(lambda: (tmp_path / "a.dead.jsonl").exists())
    assert receiver.attempts >= 2
    assert len(one.close()) == 1


def test_waits_double_up_to_the_longest():
    patience = Patience(first=0.5, most=3.0)
    assert [patience.wait(n) for n in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert patience.wait(10**6) == 3.0


def test_what_waits_is_counted_at_the_end_alone_however_many_they_are(tmp_path):
    class Counting(Outbox):
        counted = 0

        def __len__(self):
            self.counted += 1
            return super().__len__()

    receiver, outbox = Receiver(), Counting(tmp_path / "a.sqlite")
    one = Courier("receiver", outbox, receiver, QUICK)
    one.send([decision() for _ in range(20)])
    until(lambda: len(receiver.taken) == 20)
    assert one.close() == []
    assert outbox.counted == 1


def test_to_send_does_not_wait_for_the_other_side(tmp_path):
    gate = threading.Event()
    one = courier(tmp_path, lambda body: gate.wait())
    one.send([decision()] * 3)
    assert len(one.outbox) == 3
    gate.set()
    assert one.close() == []
