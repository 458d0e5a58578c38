//! A gateway with a codec of its own, which panics on one payload: what an integrator's mistake looks like.

use std::process::ExitCode;

use roost_drivers::{
    Codec, CodecDef, CodecError, CodecMemory, CommandRequest, Decoded, Grants, Incoming, Outgoing, codec_for,
};
use roost_model::Filter;

/// Takes the place of the codec of the profile `tasmota`.
const FRAGILE: CodecDef = CodecDef {
    name: "tasmota",
    summary: "Tasmota, decoded by somebody who did not expect everything",
    build: |profile| Ok(Box::new(Fragile(codec_for(profile)?))),
};

struct Fragile(Box<dyn Codec>);

impl Codec for Fragile {
    fn filters(&self, device: &str) -> Vec<Filter> {
        self.0.filters(device)
    }

    fn access(&self, device: &str) -> Grants {
        self.0.access(device)
    }

    fn decode(
        &self,
        device: &str,
        incoming: Incoming<'_>,
        memory: &mut CodecMemory,
    ) -> Result<Decoded, CodecError> {
        assert!(
            incoming.payload != b"boom",
            "this codec did not expect {:?}",
            String::from_utf8_lossy(incoming.payload)
        );
        self.0.decode(device, incoming, memory)
    }

    fn encode(
        &self,
        device: &str,
        command: CommandRequest<'_>,
        memory: &CodecMemory,
    ) -> Result<Outgoing, CodecError> {
        self.0.encode(device, command, memory)
    }
}

fn main() -> ExitCode {
    roost::main_with(&[FRAGILE])
}
