//! Any history of events: whatever happens, nothing is claimed that was not seen, and nothing is sent twice.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use roost_model::{Command, CommandState, Priority, Value};

use super::{Bench, moment, new};
use crate::devices::commands::Answer;
use crate::devices::commands::machine::{Machine, Output};
use crate::devices::commands::wanted::NewCommand;

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
    /// Whether the device goes whenever something is about to be sent to it.
    Flee(bool),
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
        1 => any::<bool>().prop_map(Event::Flee),
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
    /// The device goes whenever something is about to be sent to it.
    flees: bool,
}

impl Watch {
    /// Checks what was put out because of one event, and what follows where the device goes before it is sent.
    fn look_at_all(&mut self, bench: &mut Bench, seen: Option<(&str, i64)>) -> Result<(), TestCaseError> {
        loop {
            let outputs = bench.machine.take_outputs();
            let sent = outputs.iter().filter_map(|output| match output {
                Output::Transmit(command) => Some(command.id.clone()),
                Output::Step(_) => None,
            });
            let fled: Vec<String> = sent.filter(|_| self.flees).collect();
            self.look(outputs, seen)?;
            if fled.is_empty() {
                return Ok(());
            }
            bench.away = true;
            for id in fled {
                bench.with(|machine, now, _| machine.returned("boiler", &id, now));
            }
            bench.advance();
        }
    }

    /// Checks what was put out because of one event. `seen` is the reading that the event was, if it was one.
    fn look(&mut self, outputs: Vec<Output>, seen: Option<(&str, i64)>) -> Result<(), TestCaseError> {
        for output in outputs {
            match output {
                Output::Step(command) => self.step(command, seen)?,
                Output::Transmit(command) => {
                    prop_assert_eq!(command.state, CommandState::Sent);
                    if self.flees {
                        continue;
                    }
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
                    bench.with(|machine, now, _| machine.observed("boiler", (&name, &Value::Int(value), None), now));
                }
                Event::Cancel(id) => {
                    bench.with(|machine, now, _| machine.cancel(&format!("c{id:03}"), now));
                }
                Event::Reach(away) => {
                    bench.away = away;
                    bench.advance();
                }
                Event::Flee(flees) => watch.flees = flees,
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
            watch.look_at_all(&mut bench, seen)?;
        }
        bench.pass(10_000);
        bench.pass(10_000);
        watch.look_at_all(&mut bench, None)?;
        prop_assert!(watch.last.values().all(|command| command.is_final), "something lives for ever");
    }
}
