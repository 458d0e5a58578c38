//! The short names of members of a discovery message, and the short form of topics.
//!
//! Source: Home Assistant documentation, "MQTT", "Discovery messages", "Supported abbreviations".

use serde_json::{Map, Value as Json};

/// Short names of the members that are read. Others are left as they are: nobody looks at them.
const SHORT: [(&str, &str); 130] = [
    ("act_t", "action_topic"),
    ("act_tpl", "action_template"),
    ("avty", "availability"),
    ("avty_mode", "availability_mode"),
    ("avty_t", "availability_topic"),
    ("avty_tpl", "availability_template"),
    ("away_mode_cmd_t", "away_mode_command_topic"),
    ("bri_cmd_t", "brightness_command_topic"),
    ("bri_cmd_tpl", "brightness_command_template"),
    ("bri_scl", "brightness_scale"),
    ("bri_stat_t", "brightness_state_topic"),
    ("bri_val_tpl", "brightness_value_template"),
    ("clr_temp_cmd_t", "color_temp_command_topic"),
    ("clr_temp_cmd_tpl", "color_temp_command_template"),
    ("clr_temp_k", "color_temp_kelvin"),
    ("clr_temp_stat_t", "color_temp_state_topic"),
    ("clr_temp_val_tpl", "color_temp_value_template"),
    ("cmd_t", "command_topic"),
    ("cmd_tpl", "command_template"),
    ("cmps", "components"),
    ("curr_hum_t", "current_humidity_topic"),
    ("curr_hum_tpl", "current_humidity_template"),
    ("curr_temp_t", "current_temperature_topic"),
    ("curr_temp_tpl", "current_temperature_template"),
    ("dev", "device"),
    ("dev_cla", "device_class"),
    ("dir_cmd_t", "direction_command_topic"),
    ("dir_cmd_tpl", "direction_command_template"),
    ("dir_stat_t", "direction_state_topic"),
    ("dir_val_tpl", "direction_value_template"),
    ("fan_mode_cmd_t", "fan_mode_command_topic"),
    ("fan_mode_cmd_tpl", "fan_mode_command_template"),
    ("fan_mode_stat_t", "fan_mode_state_topic"),
    ("fan_mode_stat_tpl", "fan_mode_state_template"),
    ("fx_cmd_t", "effect_command_topic"),
    ("fx_cmd_tpl", "effect_command_template"),
    ("fx_list", "effect_list"),
    ("fx_stat_t", "effect_state_topic"),
    ("fx_val_tpl", "effect_value_template"),
    ("hs_cmd_t", "hs_command_topic"),
    ("hs_cmd_tpl", "hs_command_template"),
    ("hs_stat_t", "hs_state_topic"),
    ("hs_val_tpl", "hs_value_template"),
    ("hum_cmd_t", "target_humidity_command_topic"),
    ("hum_cmd_tpl", "target_humidity_command_template"),
    ("hum_stat_t", "target_humidity_state_topic"),
    ("hum_stat_tpl", "target_humidity_state_template"),
    ("max_hum", "max_humidity"),
    ("max_mirs", "max_mireds"),
    ("min_hum", "min_humidity"),
    ("min_mirs", "min_mireds"),
    ("mode_cmd_t", "mode_command_topic"),
    ("mode_cmd_tpl", "mode_command_template"),
    ("mode_stat_t", "mode_state_topic"),
    ("mode_stat_tpl", "mode_state_template"),
    ("ops", "options"),
    ("osc_cmd_t", "oscillation_command_topic"),
    ("osc_cmd_tpl", "oscillation_command_template"),
    ("osc_stat_t", "oscillation_state_topic"),
    ("osc_val_tpl", "oscillation_value_template"),
    ("p", "platform"),
    ("pct_cmd_t", "percentage_command_topic"),
    ("pct_cmd_tpl", "percentage_command_template"),
    ("pct_stat_t", "percentage_state_topic"),
    ("pct_val_tpl", "percentage_value_template"),
    ("pl", "payload"),
    ("pl_avail", "payload_available"),
    ("pl_cls", "payload_close"),
    ("pl_lock", "payload_lock"),
    ("pl_not_avail", "payload_not_available"),
    ("pl_off", "payload_off"),
    ("pl_on", "payload_on"),
    ("pl_open", "payload_open"),
    ("pl_osc_off", "payload_oscillation_off"),
    ("pl_osc_on", "payload_oscillation_on"),
    ("pl_prs", "payload_press"),
    ("pl_stop", "payload_stop"),
    ("pl_unlk", "payload_unlock"),
    ("pos_clsd", "position_closed"),
    ("pos_open", "position_open"),
    ("pos_t", "position_topic"),
    ("pos_tpl", "position_template"),
    ("pow_cmd_t", "power_command_topic"),
    ("pow_cmd_tpl", "power_command_template"),
    ("pr_mode_cmd_t", "preset_mode_command_topic"),
    ("pr_mode_cmd_tpl", "preset_mode_command_template"),
    ("pr_mode_stat_t", "preset_mode_state_topic"),
    ("pr_mode_val_tpl", "preset_mode_value_template"),
    ("pr_modes", "preset_modes"),
    ("rgb_cmd_t", "rgb_command_topic"),
    ("rgb_cmd_tpl", "rgb_command_template"),
    ("rgb_stat_t", "rgb_state_topic"),
    ("rgb_val_tpl", "rgb_value_template"),
    ("set_pos_t", "set_position_topic"),
    ("set_pos_tpl", "set_position_template"),
    ("spd_rng_max", "speed_range_max"),
    ("spd_rng_min", "speed_range_min"),
    ("stat_cla", "state_class"),
    ("stat_closing", "state_closing"),
    ("stat_clsd", "state_closed"),
    ("stat_locked", "state_locked"),
    ("stat_off", "state_off"),
    ("stat_on", "state_on"),
    ("stat_open", "state_open"),
    ("stat_opening", "state_opening"),
    ("stat_stopped", "state_stopped"),
    ("stat_t", "state_topic"),
    ("stat_tpl", "state_template"),
    ("stat_unlocked", "state_unlocked"),
    ("stat_val_tpl", "state_value_template"),
    ("sup_clrm", "supported_color_modes"),
    ("swing_mode_cmd_t", "swing_mode_command_topic"),
    ("swing_mode_cmd_tpl", "swing_mode_command_template"),
    ("swing_mode_stat_t", "swing_mode_state_topic"),
    ("swing_mode_stat_tpl", "swing_mode_state_template"),
    ("t", "topic"),
    ("temp_cmd_t", "temperature_command_topic"),
    ("temp_cmd_tpl", "temperature_command_template"),
    ("temp_hi_cmd_t", "temperature_high_command_topic"),
    ("temp_hi_stat_t", "temperature_high_state_topic"),
    ("temp_lo_cmd_t", "temperature_low_command_topic"),
    ("temp_lo_stat_t", "temperature_low_state_topic"),
    ("temp_stat_t", "temperature_state_topic"),
    ("temp_stat_tpl", "temperature_state_template"),
    ("temp_unit", "temperature_unit"),
    ("tilt_cmd_t", "tilt_command_topic"),
    ("tilt_cmd_tpl", "tilt_command_template"),
    ("tilt_status_t", "tilt_status_topic"),
    ("unit_of_meas", "unit_of_measurement"),
    ("val_tpl", "value_template"),
];

/// A discovery message, or one of its components, with full names and full topics. `base` is what `~` stood for further
/// out.
pub(super) fn expanded(members: &Map<String, Json>, base: Option<&str>) -> Map<String, Json> {
    let base = members.get("~").and_then(Json::as_str).or(base);
    let full = |(name, json): (&String, &Json)| {
        let name = full_name(name);
        let json = match (json, base) {
            (Json::String(text), Some(base)) if is_topic(name) => whole_topic(text, base).into(),
            (Json::Array(items), _) if name == "availability" => items
                .iter()
                .map(|item| inner(item, base))
                .collect::<Vec<_>>()
                .into(),
            (Json::Object(_), _) if name == "availability" => inner(json, base),
            _ => json.clone(),
        };
        (name.to_owned(), json)
    };
    members.iter().map(full).collect()
}

fn inner(json: &Json, base: Option<&str>) -> Json {
    match json {
        Json::Object(members) => Json::Object(expanded(members, base)),
        other => other.clone(),
    }
}

fn full_name(name: &str) -> &str {
    let at = SHORT.binary_search_by(|(short, _)| (*short).cmp(name));
    at.map_or(name, |at| SHORT[at].1)
}

fn is_topic(name: &str) -> bool {
    name == "topic" || name.ends_with("_topic")
}

/// `~` at the beginning or the end of a topic stands for the base.
fn whole_topic(text: &str, base: &str) -> String {
    if let Some(rest) = text.strip_prefix('~') {
        format!("{base}{rest}")
    } else if let Some(rest) = text.strip_suffix('~') {
        format!("{rest}{base}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_table_is_sorted_for_the_search() {
        assert!(SHORT.is_sorted());
    }

    #[test]
    fn short_names_and_topics_become_full_ones() {
        let given = json!({"~": "plant/lamp", "name": "Lamp", "cmd_t": "~/set", "stat_t": "~/state", "val_tpl": "~",
            "avty": [{"t": "~/status", "pl_avail": "up"}], "uniq_id": "x"});
        let Json::Object(given) = given else {
            panic!("an object")
        };
        let full = expanded(&given, None);
        assert_eq!(full["command_topic"], "plant/lamp/set");
        assert_eq!(full["state_topic"], "plant/lamp/state");
        assert_eq!(full["value_template"], "~");
        assert_eq!(
            full["availability"],
            json!([{"topic": "plant/lamp/status", "payload_available": "up"}])
        );
    }
}
