//! Commands as a table: what was wanted, how far it came, and when it came into each of its states.

use maud::{Markup, html};
use roost_model::{Command, CommandState, Step, Timestamp};

use super::{control, marks, words};

/// Longest value that is shown, in characters.
const MAX_VALUE: usize = 80;

/// The last commands of a device or of one of its points, newest first.
pub(crate) fn table(device: &str, commands: &[Command], now: Timestamp) -> Markup {
    html! {
        section aria-labelledby="commands" {
            h2 #commands { "Last commands" }
            @if commands.is_empty() {
                p.nothing {
                    "None. They are sent from the points above, or by programs with "
                    code { "POST /api/v1/devices/…/points/…/commands" } "."
                }
            } @else {
                div.scroll {
                    table.commands {
                        caption.unseen { "Commands, newest first" }
                        thead {
                            tr {
                                th scope="col" { "Point" }
                                th scope="col" { "Wanted" }
                                th scope="col" { "State" }
                                th scope="col" { "Course" }
                                th.age scope="col" { "Issued" }
                                th.set scope="col" { span.unseen { "Take back" } }
                            }
                        }
                        tbody { @for command in commands { (row(device, command, now)) } }
                    }
                }
            }
        }
    }
}

fn row(device: &str, command: &Command, now: Timestamp) -> Markup {
    let issued = Timestamp::from_unix_ms(command.issued_ms, now.clock);
    let failed = matches!(command.state, CommandState::Refused | CommandState::Expired);
    html! {
        tr {
            th.point scope="row" { (command.point) }
            td.v { (words::shortened(&command.value.to_string(), MAX_VALUE)) }
            td.state {
                (marks::command(command.state))
                @if let Some(reason) = &command.reason { span.sub.why[failed] { (reason) } }
            }
            td.course {
                @for step in &command.steps { span.sub { (course(step, command.issued_ms)) } }
            }
            td.age { (words::ago(issued.until(now))) }
            td.set { @if command.state == CommandState::Queued { (cancel(device, command)) } }
        }
    }
}

/// The form that takes back what was not sent yet.
fn cancel(device: &str, command: &Command) -> Markup {
    html! {
        form method="post" action=(control::action(device)) {
            input type="hidden" name="command" value=(command.id);
            button.quiet type="submit" name="action" value="cancel" {
                "Cancel" span.unseen { " the command to " (command.point) }
            }
        }
    }
}

/// A step with the time it took since the command was issued. A clock that was set back in between says nothing.
fn course(step: &Step, issued_ms: i64) -> String {
    let word = step.state.word();
    match u64::try_from(step.at_ms - issued_ms) {
        _ if step.state == CommandState::Queued => word.to_owned(),
        Ok(ms @ 0..10_000) => format!("{word} after {ms} ms"),
        Ok(ms) => {
            let span = words::span(std::time::Duration::from_millis(ms));
            format!("{word} after {span}")
        }
        Err(_) => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_how_long_it_took() {
        let step = |state, at_ms| course(&Step { state, at_ms }, 1000);
        assert_eq!(step(CommandState::Queued, 1000), "queued");
        assert_eq!(step(CommandState::Sent, 1012), "sent after 12 ms");
        assert_eq!(step(CommandState::Verified, 66_000), "verified after 1 min 5 s");
        assert_eq!(step(CommandState::Expired, 0), "expired");
    }
}
