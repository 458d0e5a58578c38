//! What an entity of each kind reports and takes, by the members of its discovery message.
//!
//! Source: Home Assistant documentation, "MQTT Sensor", "MQTT Light" and so on, "Configuration variables".

use roost_model::{Topic, Unit, name_from};
use serde_json::{Map, Value as Json};

use super::aspect::{Aspect, Kind, Place};
use super::expression::Template;
use super::rows::{Keys, Shape, rows};
use crate::Described;

/// The message of one entity, with full names.
pub(super) struct Entity<'a> {
    /// What kind of entity it is, in the family's word.
    pub(super) component: &'a str,
    /// What its points are called.
    pub(super) name: &'a str,
    /// The members of its message.
    pub(super) members: &'a Map<String, Json>,
}

/// The aspects of an entity with what is known of them, and what of it is not supported.
#[derive(Default)]
pub(super) struct Found {
    pub(super) aspects: Vec<(Aspect, Described)>,
    pub(super) unsupported: Vec<String>,
}

impl Entity<'_> {
    /// Reads all that the entity reports and takes.
    pub(super) fn aspects(&self) -> Found {
        let mut found = Found::default();
        let schema = self.text("schema").unwrap_or("default");
        if self.component == "light" && schema == "json" {
            self.json_light(&mut found);
        } else if self.component == "light" && !matches!(schema, "default" | "basic") {
            found.unsupported.push(format!("a light of schema {schema}"));
        } else if let Some(rows) = rows(self.component) {
            for (suffix, prefix, shape) in rows {
                self.aspect(suffix, prefix, *shape, &mut found);
            }
        } else {
            found
                .unsupported
                .push(format!("the component {}", self.component));
        }
        found
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// A word of the device: text, or another scalar as it is written.
    fn word(&self, name: &str, usual: &str) -> String {
        match self.members.get(name) {
            Some(Json::String(text)) => text.clone(),
            Some(json) if !json.is_null() => json.to_string(),
            _ => usual.to_owned(),
        }
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.members.get(name)?.as_f64()
    }

    fn list(&self, name: &str) -> Vec<String> {
        let items = self.members.get(name).and_then(Json::as_array);
        let words = items.into_iter().flatten().filter_map(Json::as_str);
        words.map(str::to_owned).collect()
    }

    fn aspect(&self, suffix: &str, prefix: &str, shape: Shape, found: &mut Found) {
        let keys = Keys::of(prefix);
        let state = self.place(&keys.state, &keys.state_template, found);
        let command = self.place(&keys.command, &keys.command_template, found);
        if state.is_none() && command.is_none() {
            return;
        }
        self.push(suffix, self.kind(shape, prefix), state, command, found);
    }

    fn push(
        &self,
        suffix: &str,
        kind: Kind,
        state: Option<Place>,
        command: Option<Place>,
        found: &mut Found,
    ) {
        let Some(point) = name_from(&format!("{}.{}{suffix}", self.component, self.name)) else {
            return;
        };
        let aspect = Aspect {
            point,
            kind,
            unit: Unit::new(&self.unit(suffix)),
            state,
            command,
        };
        let label = format!(
            "{}{}",
            self.text("name").unwrap_or_default(),
            suffix.replace(['.', '_'], " ")
        );
        let class = self.text("device_class").unwrap_or_default().to_owned();
        let described = aspect.described(label.trim().to_owned(), class);
        found.aspects.push((aspect, described));
    }

    /// A topic with its template. What can't be used is named, and the rest of the entity goes on without it.
    fn place(&self, topics: &[String], templates: &[String], found: &mut Found) -> Option<Place> {
        let topic = topics.iter().find_map(|name| self.text(name))?;
        let Ok(topic) = Topic::new(topic) else {
            found.unsupported.push(format!("the topic {topic:?}"));
            return None;
        };
        let template = templates
            .iter()
            .find_map(|name| self.text(name))
            .unwrap_or_default();
        let says = !topics.iter().any(|name| name == "command_topic");
        let template = match (template, self.component) {
            ("", "event") if says => "{{ value_json.event_type }}",
            ("", "vacuum") if says => "{{ value_json.state }}",
            (template, _) => template,
        };
        if template.is_empty() {
            return Some(Place {
                topic,
                template: None,
            });
        }
        match Template::parse(template) {
            Ok(template) => Some(Place {
                topic,
                template: Some(template),
            }),
            Err(what) => {
                found
                    .unsupported
                    .push(format!("{what} of {}.{}", self.component, self.name));
                None
            }
        }
    }

    fn kind(&self, shape: Shape, prefix: &str) -> Kind {
        match shape {
            Shape::Reading => self.reading(),
            Shape::Switch => {
                let takes = [self.word("payload_on", "ON"), self.word("payload_off", "OFF")];
                Kind::Switch {
                    says: [
                        self.word("state_on", &takes[0]),
                        self.word("state_off", &takes[1]),
                    ],
                    takes,
                }
            }
            Shape::Number(min, max) => self.bounds(prefix, min, max),
            Shape::Words(list) => Kind::Words(self.list(list)),
            Shape::Text => Kind::Text,
            Shape::Opening => self.opening(),
            Shape::Lock => Kind::Mapped {
                says: vec![
                    (self.word("state_locked", "LOCKED"), "locked"),
                    (self.word("state_unlocked", "UNLOCKED"), "unlocked"),
                    (self.word("state_locking", "LOCKING"), "locking"),
                    (self.word("state_unlocking", "UNLOCKING"), "unlocking"),
                    (self.word("state_jammed", "JAMMED"), "jammed"),
                ],
                takes: vec![
                    ("locked", self.word("payload_lock", "LOCK")),
                    ("unlocked", self.word("payload_unlock", "UNLOCK")),
                ],
            },
            Shape::Oscillation => {
                let words = [
                    self.word("payload_oscillation_on", "oscillate_on"),
                    self.word("payload_oscillation_off", "oscillate_off"),
                ];
                Kind::Switch {
                    says: words.clone(),
                    takes: words,
                }
            }
            Shape::Press(word) => {
                Kind::Press(self.word(word, if word == "payload_on" { "ON" } else { "PRESS" }))
            }
            Shape::Vacuum => Kind::Words(Vec::new()),
        }
    }

    fn reading(&self) -> Kind {
        let options = self.list("options");
        let counts = self.text("unit_of_measurement").is_some() || self.text("state_class").is_some();
        match counts {
            _ if !options.is_empty() => Kind::Words(options),
            true => Kind::Number { min: None, max: None },
            false => Kind::Auto,
        }
    }

    fn bounds(&self, prefix: &str, min: &str, max: &str) -> Kind {
        let (least, most) = match (self.component, prefix) {
            ("light", "brightness") => (Some(0.0), Some(255.0)),
            ("cover" | "valve", "position" | "tilt") => (Some(0.0), Some(100.0)),
            ("fan", "percentage") => (Some(0.0), Some(100.0)),
            ("number", _) => (Some(1.0), Some(100.0)),
            _ => (None, None),
        };
        let (min, max) = (self.number(min).or(least), self.number(max).or(most));
        // A position may be counted the other way round: closed is then the larger number.
        match (min, max) {
            (Some(min), Some(max)) if max < min => Kind::Number {
                min: Some(max),
                max: Some(min),
            },
            _ => Kind::Number { min, max },
        }
    }

    fn opening(&self) -> Kind {
        Kind::Mapped {
            says: vec![
                (self.word("state_open", "open"), "open"),
                (self.word("state_opening", "opening"), "opening"),
                (self.word("state_closed", "closed"), "closed"),
                (self.word("state_closing", "closing"), "closing"),
                (self.word("state_stopped", "stopped"), "stopped"),
            ],
            takes: vec![
                ("open", self.word("payload_open", "OPEN")),
                ("closed", self.word("payload_close", "CLOSE")),
                ("stopped", self.word("payload_stop", "STOP")),
            ],
        }
    }

    fn unit(&self, suffix: &str) -> String {
        let degrees = if self.text("temperature_unit") == Some("F") {
            "°F"
        } else {
            "°C"
        };
        match suffix {
            "" => self.word("unit_of_measurement", ""),
            ".temperature" | ".temperature_high" | ".temperature_low" | ".current_temperature" => {
                degrees.into()
            }
            ".current_humidity" | ".target_humidity" => "%".into(),
            ".position" if self.members.get("position_open").is_none_or(|open| *open == 100) => "%".into(),
            ".tilt" if self.members.get("tilt_max").is_none_or(|most| *most == 100) => "%".into(),
            ".percentage" if !self.members.contains_key("speed_range_max") => "%".into(),
            ".color_temp" if self.members.get("color_temp_kelvin") == Some(&Json::Bool(true)) => "K".into(),
            ".color_temp" => "mired".into(),
            _ => String::new(),
        }
    }

    /// A light that speaks JSON: one topic each way, and a member for each aspect.
    fn json_light(&self, found: &mut Found) {
        let switch = Kind::Switch {
            says: ["ON".into(), "OFF".into()],
            takes: ["ON".into(), "OFF".into()],
        };
        self.member("", switch, "state", "{\"state\":\"{{ value }}\"}", found);
        let has = |name: &str| self.members.get(name) == Some(&Json::Bool(true));
        let modes = self.list("supported_color_modes");
        let mode = |names: &[&str]| modes.iter().any(|mode| names.contains(&mode.as_str()));
        let dims = modes.iter().any(|mode| mode != "onoff");
        if has("brightness") || dims {
            let kind = self.bounds("brightness", "", "brightness_scale");
            let takes = "{\"state\":\"ON\",\"brightness\":{{ value }}}";
            self.member(".brightness", kind, "brightness", takes, found);
        }
        if has("color_temp") || mode(&["color_temp"]) {
            let kind = self.bounds("color_temp", "min_mireds", "max_mireds");
            let takes = "{\"state\":\"ON\",\"color_temp\":{{ value }}}";
            self.member(".color_temp", kind, "color_temp", takes, found);
        }
        if mode(&["rgb", "rgbw", "rgbww", "hs", "xy"]) {
            let takes = "{\"state\":\"ON\",\"color\":{{ value | tojson }}}";
            self.member(".color", Kind::Json, "color", takes, found);
        }
        if has("effect") {
            let takes = "{\"state\":\"ON\",\"effect\":\"{{ value }}\"}";
            self.member(
                ".effect",
                Kind::Words(self.list("effect_list")),
                "effect",
                takes,
                found,
            );
        }
    }

    fn member(&self, suffix: &str, kind: Kind, name: &str, takes: &str, found: &mut Found) {
        let place = |topic: &str, template: &str| {
            Some(Place {
                topic: Topic::new(self.text(topic)?).ok()?,
                template: Some(Template::parse(template).ok()?),
            })
        };
        let state = place("state_topic", &format!("{{{{ value_json.{name} }}}}"));
        let command = place("command_topic", takes);
        if state.is_some() || command.is_some() {
            self.push(suffix, kind, state, command, found);
        }
    }
}
