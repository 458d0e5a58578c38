//! Reading the configuration: every error names the file, the line and what to do.

use std::fmt;
use std::path::Path;

use hashbrown::HashSet;
use roost_drivers::BOARDS;
use roost_model::check_name;

use super::Config;

/// Why a configuration can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    file: String,
    /// Line, counted from 1, and its text; `None` if the file itself is the trouble.
    line: Option<(usize, String)>,
    what: String,
    remedy: String,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.line {
            Some((number, text)) => {
                write!(f, "{}:{number}: {}\n    {}\n", self.file, self.what, text.trim())?
            }
            None => writeln!(f, "{}: {}", self.file, self.what)?,
        }
        write!(f, "  {}", self.remedy)
    }
}

/// Reads a file; without one, the defaults hold only if `required` is false.
///
/// # Errors
/// [`ConfigError`].
pub fn load(path: &Path, required: bool) -> Result<Config, ConfigError> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, &file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => Ok(Config::default()),
        Err(error) => Err(ConfigError {
            file,
            line: None,
            what: format!("can't be read: {error}"),
            remedy: "give a file with --config; `roost check-config --defaults` prints one to begin with"
                .into(),
        }),
    }
}

/// Reads the text of a file.
///
/// # Errors
/// [`ConfigError`] for the first thing that is wrong.
pub fn parse(text: &str, file: &str) -> Result<Config, ConfigError> {
    let config: Config = toml::from_str(text).map_err(|error| from_toml(&error, text, file))?;
    check(&config).map_err(|(needle, what, remedy)| ConfigError {
        file: file.to_owned(),
        line: find_line(text, &needle),
        what,
        remedy,
    })?;
    config.mqtt.check().map_err(|(keys, what, remedy)| ConfigError {
        file: file.to_owned(),
        line: keys.iter().find_map(|key| find_key(text, key)),
        what,
        remedy,
    })?;
    Ok(config)
}

fn line_at(text: &str, offset: usize) -> (usize, String) {
    let before = &text[..offset.min(text.len())];
    let number = before.matches('\n').count() + 1;
    (
        number,
        text.lines().nth(number - 1).unwrap_or_default().to_owned(),
    )
}

fn find_line(text: &str, needle: &str) -> Option<(usize, String)> {
    let found = text
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains(needle) && !line.trim_start().starts_with('#'));
    found.map(|(index, line)| (index + 1, line.to_owned()))
}

/// The line that gives a key its value.
fn find_key(text: &str, key: &str) -> Option<(usize, String)> {
    let mut lines = text.lines().enumerate();
    let found = lines.find(|(_, line)| line.split('=').next().is_some_and(|name| name.trim() == key));
    found.map(|(index, line)| (index + 1, line.to_owned()))
}

fn from_toml(error: &toml::de::Error, text: &str, file: &str) -> ConfigError {
    let (what, remedy) = explain(error.message());
    let line = error.span().map(|span| line_at(text, span.start));
    ConfigError {
        file: file.to_owned(),
        line,
        what,
        remedy,
    }
}

/// Turns the parser's message into what is wrong and what to do.
fn explain(message: &str) -> (String, String) {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field")
        && let Some((unknown, known)) = quoted.split_first()
    {
        return (format!("unknown key `{unknown}`"), nearest(unknown, known));
    }
    if message.starts_with("unknown variant")
        && let Some((unknown, known)) = quoted.split_first()
    {
        return (
            format!("`{unknown}` is not possible here"),
            nearest(unknown, known),
        );
    }
    if message.starts_with("missing field") {
        return (
            message.replace("field", "key"),
            "add it: `roost check-config --defaults` shows an example".into(),
        );
    }
    let remedy = "`roost check-config --defaults` prints every setting with its default and its meaning";
    (message.to_owned(), remedy.into())
}

fn nearest(unknown: &str, known: &[&str]) -> String {
    let best = known
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(unknown, a).total_cmp(&strsim::jaro_winkler(unknown, b)));
    match best.filter(|name| strsim::jaro_winkler(unknown, name) > 0.7) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("possible here: {}", known.join(", ")),
    }
}

/// What types can't say. The first string is part of the line that is wrong.
fn check(config: &Config) -> Result<(), (String, String, String)> {
    let mut names = HashSet::new();
    for bus in &config.buses {
        let line = format!("\"{}\"", bus.name);
        check_name(&bus.name).map_err(|error| {
            (
                line.clone(),
                format!("the name of a bus {error}"),
                "for example: name = \"i2c1\"".into(),
            )
        })?;
        if !names.insert(&bus.name) {
            let what = format!("two buses are named {}", bus.name);
            return Err((
                line,
                what,
                "devices refer to a bus by its name: give each its own".into(),
            ));
        }
        let boards: Vec<&str> = BOARDS.iter().map(|board| board.name).collect();
        if !boards.contains(&bus.board.as_str()) {
            let what = format!("there is no board `{}`", bus.board);
            return Err((format!("\"{}\"", bus.board), what, nearest(&bus.board, &boards)));
        }
    }
    if let (Err((what, remedy)), Some(listen)) = (config.mqtt.tls.check(), config.mqtt.tls.listen) {
        return Err((format!("\"{listen}\""), what, remedy));
    }
    if config
        .log
        .level
        .parse::<tracing_subscriber::filter::Targets>()
        .is_err()
    {
        let remedy = "give error, warn, info, debug, trace, or a filter such as \"info,roost_mqtt=debug\"";
        return Err((
            config.log.level.clone(),
            format!("`{}` is no log level", config.log.level),
            remedy.into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text, "roost.toml").unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_names_file_line_and_the_nearest_key() {
        let message = error("data_dir = \"x\"\n\n[mqtt]\nlisen = \"0.0.0.0:1883\"\n");
        assert_eq!(
            message,
            "roost.toml:4: unknown key `lisen`\n    lisen = \"0.0.0.0:1883\"\n  did you mean `listen`?"
        );
        assert!(error("[mqqt]\nx = 1").contains("did you mean `mqtt`?"));
        assert!(error("zzz = 1").contains("possible here: data_dir"));
    }

    #[test]
    fn a_number_out_of_range_names_the_range() {
        let message = error("[mqtt]\nmax_connections = 0\n");
        assert!(
            message.starts_with("roost.toml:2: 0 is out of range: give a whole number from 1 to 1000000"),
            "{message}"
        );
        let message = error("[mqtt]\n\nmax_packet_bytes = \"big\"\n");
        assert!(
            message.starts_with("roost.toml:3: \"big\" is of the wrong kind: give a whole number"),
            "{message}"
        );
    }

    #[test]
    fn every_kind_of_mistake_names_its_line_and_a_remedy() {
        for (text, line, word) in [
            ("[web]\nlisten = \"everywhere\"", 2, "invalid socket address"),
            ("[log]\nformat = \"jsn\"", 2, "did you mean `json`?"),
            ("[log]\nlevel = \"a=b=c\"", 2, "no log level"),
            (
                "[mqtt.tls]\nlisten = \"0.0.0.0:8883\"\nkey = \"a.key\"",
                2,
                "openssl req -x509",
            ),
            (
                "[mqtt.tls]\ncertificate = \"a\"\nkey = \"b\"\nclient_certificates = \"accept\"\nlisten = \"[::]:1\"",
                5,
                "name the file",
            ),
            (
                "[[bus]]\nname = \"i2c1\"\nboard = \"linx\"",
                3,
                "did you mean `linux`?",
            ),
            ("[[bus]]\nname = \"a/b\"\nboard = \"linux\"", 2, "for example"),
            ("[[bus]]\nboard = \"linux\"", 1, "missing key `name`"),
            (
                "[mqtt]\nqueue_bytes = 2048\nmax_queued_bytes = 1024",
                2,
                "lower queue_bytes or raise max_queued_bytes",
            ),
            ("[mqtt]\nmax_sessions_bytes = 2048", 2, "lower session_bytes"),
            ("[mqtt\n", 1, "check-config --defaults"),
            ("a = 1\na = 2\n", 2, "duplicate key"),
        ] {
            let message = error(text);
            assert!(message.starts_with(&format!("roost.toml:{line}: ")), "{message}");
            assert!(
                message.contains(word) && message.lines().count() >= 3,
                "{message}"
            );
        }
    }

    #[test]
    fn a_missing_file_is_an_error_only_if_it_was_asked_for() {
        let nowhere = Path::new("/nonexistent/roost.toml");
        assert_eq!(load(nowhere, false).unwrap(), Config::default());
        assert!(load(nowhere, true).unwrap_err().to_string().contains("--config"));
    }
}
