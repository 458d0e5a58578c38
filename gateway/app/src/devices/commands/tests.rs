//! Tests of the machine: any order of events, no success that was not seen, one at a time to a point.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use roost_model::{ClockQuality, Command, CommandState, Priority, Timestamp, Value};

use super::Answer;
use super::machine::{MAX_PENDING, MAX_SENT, Machine, NewCommand, Output, Reach};
use super::moment::Moment;

pub(crate) fn moment(uptime_ms: u64, wall_ms: i64, boot: &str) -> Moment {
    Moment {
        wall: Timestamp::from_unix_ms(wall_ms, ClockQuality::Unknown),
        uptime_ms,
        boot: boot.into(),
    }
}

fn new(id: &str, point: &str, value: i64) -> NewCommand {
    NewCommand {
        id: id.into(),
        device: "boiler".into(),
        point: point.into(),
        value: Value::Int(value),
        within_ms: 1000,
        verify_within_ms: 500,
        key: None,
        priority: Priority::Normal,
        may_wait: true,
        supersede: false,
    }
}

/// A command that waits: to the relay of the boiler.
pub(crate) fn queued(id: &str) -> Command {
    let mut machine = Machine::default();
    machine.ask(new(id, "relay", 1), &moment(0, 0, "b"), &mut away);
    machine.get(id).unwrap().clone()
}

fn away(_: &Command) -> Reach {
    Reach::Away("not connected".into())
}

fn here(_: &Command) -> Reach {
    Reach::Here(None)
}

/// A machine with a clock and a device that is here or not.
#[derive(Default)]
struct Bench {
    machine: Machine,
    now_ms: u64,
    away: bool,
}

impl Bench {
    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Machine, &Moment, &mut dyn FnMut(&Command) -> Reach) -> T,
    ) -> T {
        let now = moment(self.now_ms, 0, "b");
        let mut reach = if self.away { away } else { here };
        act(&mut self.machine, &now, &mut reach)
    }

    fn ask(&mut self, new: NewCommand) {
        self.with(|machine, now, reach| machine.ask(new, now, reach));
    }

    fn answer(&mut self, id: Option<&str>, point: Option<&str>, answer: Answer) {
        self.with(|machine, now, reach| {
            machine.answered("boiler", id, point, answer, now);
            machine.advance("boiler", now, reach);
        });
    }

    fn advance(&mut self) {
        self.with(|machine, now, reach| machine.advance("boiler", now, reach));
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.with(|machine, now, reach| machine.expire(now, reach));
    }

    /// What was done, in short: `c1 queued`, `→ c1`.
    fn done(&mut self) -> Vec<String> {
        let outputs = self.machine.take_outputs();
        outputs
            .iter()
            .map(|output| match output {
                Output::Step(command) if command.is_final && !command.state.is_end() => {
                    format!("{} ends {}", command.id, command.state.word())
                }
                Output::Step(command) => format!("{} {}", command.id, command.state.word()),
                Output::Transmit(command) => format!("→ {}", command.id),
            })
            .collect()
    }
}

#[test]
fn a_command_is_sent_acknowledged_and_verified() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    assert_eq!(bench.done(), ["c1 queued", "c1 sent", "→ c1"]);
    bench.answer(Some("c1"), None, Answer::Acknowledged);
    bench.with(|machine, now, _| machine.observed("boiler", "relay", &Value::Float(1.0), now));
    assert_eq!(bench.done(), ["c1 acknowledged", "c1 verified"]);
    assert_eq!(bench.machine.next_due_ms(), None);
}

#[test]
fn a_command_to_a_device_that_is_away_says_so_waits_and_is_sent_when_it_comes() {
    let mut bench = Bench {
        away: true,
        ..Bench::default()
    };
    bench.ask(new("c1", "relay", 1));
    assert_eq!(
        bench.machine.get("c1").unwrap().reason.as_deref(),
        Some("not connected")
    );
    bench.advance();
    assert_eq!(bench.done(), ["c1 queued"], "nothing new is nothing to say");
    bench.away = false;
    bench.advance();
    assert_eq!(bench.done(), ["c1 sent", "→ c1"]);
    assert_eq!(bench.machine.get("c1").unwrap().reason, None);
}

#[test]
fn a_command_that_may_not_wait_is_refused_with_the_reason() {
    let mut bench = Bench {
        away: true,
        ..Bench::default()
    };
    bench.ask(NewCommand {
        may_wait: false,
        ..new("c1", "relay", 1)
    });
    assert_eq!(bench.done(), ["c1 queued", "c1 refused"]);
    bench.away = false;
    bench.ask(new("c2", "relay", 1));
    bench.ask(NewCommand {
        may_wait: false,
        ..new("c3", "relay", 2)
    });
    assert_eq!(
        bench.done(),
        ["c2 queued", "c2 sent", "→ c2", "c3 queued"],
        "to wait for its turn is not to wait for the device"
    );
}

#[test]
fn commands_to_one_point_go_one_after_the_other_and_other_points_do_not_wait() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    bench.ask(NewCommand {
        priority: Priority::High,
        ..new("c2", "relay", 2)
    });
    bench.ask(new("c3", "valve", 3));
    assert_eq!(
        bench.done(),
        [
            "c1 queued",
            "c1 sent",
            "→ c1",
            "c2 queued",
            "c3 queued",
            "c3 sent",
            "→ c3"
        ]
    );
    bench.answer(None, Some("relay"), Answer::Refused("locked".into()));
    assert_eq!(bench.done(), ["c1 refused", "c2 sent", "→ c2"]);
    bench.pass(1000);
    assert_eq!(bench.done(), ["c2 expired", "c3 expired"]);
}

#[test]
fn the_urgent_ones_go_first_when_a_device_comes() {
    let mut bench = Bench {
        away: true,
        ..Bench::default()
    };
    let of = |id: &str, priority| NewCommand {
        priority,
        ..new(id, id, 1)
    };
    bench.ask(of("c1", Priority::Low));
    bench.ask(of("c2", Priority::Normal));
    bench.ask(of("c3", Priority::High));
    bench.ask(of("c4", Priority::High));
    bench.done();
    bench.away = false;
    bench.advance();
    let sent: Vec<_> = bench
        .done()
        .into_iter()
        .filter(|line| line.starts_with('→'))
        .collect();
    assert_eq!(sent, ["→ c3", "→ c4", "→ c2", "→ c1"]);
}

#[test]
fn a_newer_command_takes_the_place_of_a_waiting_one_only_if_asked() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    bench.ask(new("c2", "relay", 2));
    bench.ask(NewCommand {
        supersede: true,
        ..new("c3", "relay", 3)
    });
    assert_eq!(
        bench.done(),
        [
            "c1 queued",
            "c1 sent",
            "→ c1",
            "c2 queued",
            "c2 cancelled",
            "c3 queued"
        ]
    );
}

#[test]
fn without_a_reading_that_shows_it_a_command_ends_acknowledged_and_says_so() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    bench.pass(900);
    bench.answer(Some("c1"), None, Answer::Acknowledged);
    bench.with(|machine, now, _| machine.observed("boiler", "relay", &Value::Int(0), now));
    bench.pass(499);
    assert_eq!(
        bench.done(),
        ["c1 queued", "c1 sent", "→ c1", "c1 acknowledged"],
        "its time to be verified counts from the acknowledgement"
    );
    bench.pass(1);
    assert_eq!(bench.done(), ["c1 ends acknowledged"]);
}

#[test]
fn only_what_was_not_sent_can_be_cancelled() {
    let mut bench = Bench::default();
    bench.ask(new("c1", "relay", 1));
    bench.ask(new("c2", "relay", 2));
    let cancel = |bench: &mut Bench, id: &str| bench.with(|machine, now, _| machine.cancel(id, now));
    assert_eq!(cancel(&mut bench, "c1"), None);
    assert_eq!(cancel(&mut bench, "c2").as_deref(), Some("boiler"));
    assert_eq!(cancel(&mut bench, "c9"), None);
}

#[test]
fn there_is_a_limit_to_what_waits_and_to_what_is_on_its_way() {
    let mut bench = Bench::default();
    for number in 0..=MAX_PENDING {
        bench.ask(new(&format!("c{number:02}"), &format!("p{number}"), 1));
    }
    let done = bench.done();
    assert_eq!(done.iter().filter(|line| line.starts_with('→')).count(), MAX_SENT);
    assert_eq!(done.last().unwrap(), &format!("c{MAX_PENDING} refused"));
}

#[test]
fn another_point_may_be_the_one_that_shows_it() {
    let mut bench = Bench::default();
    let mut reach = |_: &Command| Reach::Here(Some("state".into()));
    let now = moment(0, 0, "b");
    bench.machine.ask(new("c1", "relay", 1), &now, &mut reach);
    bench.machine.observed("boiler", "relay", &Value::Int(1), &now);
    bench.machine.observed("boiler", "state", &Value::Int(1), &now);
    assert_eq!(bench.done(), ["c1 queued", "c1 sent", "→ c1", "c1 verified"]);
}

#[test]
fn nothing_of_a_removed_device_is_waited_for() {
    let mut bench = Bench::default();
    for (id, point) in [("c1", "a"), ("c2", "a"), ("c3", "b")] {
        bench.ask(new(id, point, 1));
    }
    bench.answer(Some("c3"), None, Answer::Acknowledged);
    bench.done();
    bench.with(|machine, now, _| machine.remove("boiler", now));
    assert_eq!(
        bench.done(),
        ["c1 expired", "c2 cancelled", "c3 ends acknowledged"]
    );
    assert_eq!(bench.machine.devices().count(), 0);
}

#[derive(Debug, Clone)]
enum Event {
    Ask {
        point: u8,
        value: i64,
        supersede: bool,
        may_wait: bool,
        priority: u8,
    },
    Answer {
        id: Option<u8>,
        point: Option<u8>,
        kind: u8,
    },
    Observe {
        point: u8,
        value: i64,
    },
    Cancel(u8),
    Reach(bool),
    Pass(u16),
    Restart,
    Remove,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..3u8, 0..3i64, any::<bool>(), any::<bool>(), 0..3u8).prop_map(
            |(point, value, supersede, may_wait, priority)| Event::Ask { point, value, supersede, may_wait, priority }
        ),
        6 => (proptest::option::of(0..40u8), proptest::option::of(0..3u8), 0..3u8)
            .prop_map(|(id, point, kind)| Event::Answer { id, point, kind }),
        4 => (0..3u8, 0..3i64).prop_map(|(point, value)| Event::Observe { point, value }),
        1 => (0..40u8).prop_map(Event::Cancel),
        2 => any::<bool>().prop_map(Event::Reach),
        3 => (0..700u16).prop_map(Event::Pass),
        1 => Just(Event::Restart),
        1 => Just(Event::Remove),
    ]
}

/// What a run of events has shown so far.
#[derive(Default)]
struct Watch {
    last: BTreeMap<String, Command>,
    sent: BTreeSet<String>,
    transmitted: Vec<(String, String)>,
    /// Answers and readings since a command was sent that make a success of it.
    acknowledged: BTreeSet<String>,
}

impl Watch {
    /// Checks what was put out because of one event. `seen` is the reading that the event was, if it was one.
    fn look(&mut self, outputs: Vec<Output>, seen: Option<(&str, i64)>) -> Result<(), TestCaseError> {
        for output in outputs {
            match output {
                Output::Step(command) => self.step(command, seen)?,
                Output::Transmit(command) => {
                    prop_assert_eq!(command.state, CommandState::Sent);
                    prop_assert!(
                        self.sent.insert(command.id.clone()),
                        "{} was sent twice",
                        command.id
                    );
                    let before = self
                        .transmitted
                        .iter()
                        .filter(|(point, _)| *point == command.point);
                    prop_assert!(
                        before.clone().all(|(_, id)| *id < command.id),
                        "{} after {:?}",
                        command.id,
                        before.collect::<Vec<_>>()
                    );
                    self.transmitted.push((command.point.clone(), command.id));
                }
            }
        }
        for point in ["p0", "p1", "p2"] {
            let on_its_way =
                |command: &&Command| command.state == CommandState::Sent && command.point == point;
            prop_assert!(
                self.last.values().filter(on_its_way).count() <= 1,
                "two on their way to {}",
                point
            );
        }
        Ok(())
    }

    fn step(&mut self, command: Command, seen: Option<(&str, i64)>) -> Result<(), TestCaseError> {
        let before = self.last.get(&command.id);
        match before {
            None => prop_assert_eq!(command.state, CommandState::Queued),
            Some(before) => {
                prop_assert!(!before.is_final, "{} goes on after its end", command.id);
                let same = before.state == command.state;
                prop_assert!(
                    same || before.state.may_become(command.state),
                    "{:?} {:?}",
                    before,
                    command
                );
            }
        }
        let changed = before.is_none_or(|before| before.state != command.state);
        match command.state {
            CommandState::Acknowledged if changed => {
                prop_assert!(
                    self.acknowledged.contains(&command.id),
                    "nobody acknowledged {}",
                    command.id
                );
            }
            CommandState::Verified => {
                let shown = seen.map(|(point, value)| (point.to_owned(), Value::Int(value)));
                prop_assert_eq!(shown, Some((command.point.clone(), command.value.clone())));
            }
            _ => {}
        }
        prop_assert!(
            command.is_final || command.due.is_some(),
            "{} would live for ever",
            command.id
        );
        self.last.insert(command.id.clone(), command);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn whatever_happens_no_step_is_skipped_and_no_success_is_made_up(
        events in proptest::collection::vec(event(), 1..80)
    ) {
        let (mut bench, mut watch, mut number) = (Bench::default(), Watch::default(), 0);
        for event in events {
            let mut seen = None;
            let name;
            match event {
                Event::Ask { point, value, supersede, may_wait, priority } => {
                    number += 1;
                    let priority = [Priority::Low, Priority::Normal, Priority::High][usize::from(priority)];
                    let new = new(&format!("c{number:03}"), &format!("p{point}"), value);
                    bench.ask(NewCommand { supersede, may_wait, priority, ..new });
                }
                Event::Answer { id, point, kind } => {
                    let (id, point) = (id.map(|id| format!("c{id:03}")), point.map(|point| format!("p{point}")));
                    let answer = match kind {
                        0 => {
                            let sent = watch.last.values().filter(|command| command.state == CommandState::Sent);
                            watch.acknowledged.extend(sent.map(|command| command.id.clone()));
                            Answer::Acknowledged
                        }
                        1 => Answer::Refused("no".into()),
                        _ => Answer::Lost("who knows".into()),
                    };
                    bench.answer(id.as_deref(), point.as_deref(), answer);
                }
                Event::Observe { point, value } => {
                    name = format!("p{point}");
                    seen = Some((&*name, value));
                    bench.with(|machine, now, _| machine.observed("boiler", &name, &Value::Int(value), now));
                }
                Event::Cancel(id) => {
                    bench.with(|machine, now, _| machine.cancel(&format!("c{id:03}"), now));
                }
                Event::Reach(away) => {
                    bench.away = away;
                    bench.advance();
                }
                Event::Pass(ms) => bench.pass(u64::from(ms)),
                Event::Restart => {
                    bench.machine = Machine::default();
                    let now = moment(bench.now_ms, 0, "b");
                    for command in watch.last.values().filter(|command| !command.is_final) {
                        bench.machine.restore(command.clone(), now.due_of(command), &now);
                    }
                    bench.pass(0);
                    bench.advance();
                }
                Event::Remove => bench.with(|machine, now, _| machine.remove("boiler", now)),
            }
            let outputs = bench.machine.take_outputs();
            watch.look(outputs, seen)?;
        }
        bench.pass(10_000);
        bench.pass(10_000);
        let outputs = bench.machine.take_outputs();
        watch.look(outputs, None)?;
        prop_assert!(watch.last.values().all(|command| command.is_final), "something lives for ever");
    }
}
