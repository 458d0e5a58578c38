//! Any payload on any topic, by every profile that comes with the gateway: what a codec makes of it is within the
//! limits and can be published, and a value that was read can be commanded or is refused.

use std::sync::OnceLock;

use roost_drivers::{Codec, CommandRequest, MAX_SAMPLES_PER_MESSAGE, builtin_profiles, codec_for};
use roost_model::Topic;

const DEVICE: &str = "dev1";

fn codecs() -> &'static [Box<dyn Codec>] {
    static CODECS: OnceLock<Vec<Box<dyn Codec>>> = OnceLock::new();
    CODECS.get_or_init(|| {
        let profiles = builtin_profiles();
        let codecs = profiles
            .into_iter()
            .map(|profile| codec_for(profile).expect("a codec"));
        codecs.collect()
    })
}

/// The bytes are a topic, a line feed and a payload.
pub fn profile_decode(data: &[u8]) {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let (topic, payload) = (&data[..end], &data[end + 1..]);
    let Some(topic) = std::str::from_utf8(topic)
        .ok()
        .and_then(|text| Topic::new(text).ok())
    else {
        return;
    };
    for codec in codecs() {
        let Ok(decoded) = codec.decode(DEVICE, &topic, payload) else {
            continue;
        };
        let samples: Vec<_> = decoded.samples.iter().collect();
        assert!(samples.len() <= MAX_SAMPLES_PER_MESSAGE);
        for sample in samples {
            let place = Topic::new(format!("devices/{DEVICE}/points/{}", sample.point));
            assert!(place.is_ok(), "{place:?}");
            if let Ok(value) = &sample.value {
                let request = CommandRequest {
                    id: "c1",
                    point: &sample.point,
                    value,
                };
                let _ = codec.encode(DEVICE, request);
            }
        }
    }
}
