//! Reason codes, and what of them a client of version 3.1.1 can be told.

/// Reason codes this server sends (OASIS MQTT 5.0 section 2.4), and what of them 3.1.1 can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// All is well; also "granted QoS 0".
    Success = 0x00,
    /// The message was taken, but nobody is there for it.
    NoMatchingSubscribers = 0x10,
    /// The filter to be removed was not there.
    NoSubscriptionExisted = 0x11,
    /// Against the packet format.
    MalformedPacket = 0x81,
    /// Against the rules.
    ProtocolError = 0x82,
    /// Something went wrong here that is not the client's fault.
    ImplementationSpecificError = 0x83,
    /// A protocol version this server does not speak.
    UnsupportedProtocolVersion = 0x84,
    /// A client identifier this server does not take.
    ClientIdentifierNotValid = 0x85,
    /// Wrong user name or password.
    BadUserNameOrPassword = 0x86,
    /// Not allowed.
    NotAuthorized = 0x87,
    /// The packet identifier stands for something that is not finished.
    PacketIdentifierInUse = 0x91,
    /// Nothing is known of the packet identifier.
    PacketIdentifierNotFound = 0x92,
    /// More messages under way than this server allows.
    ReceiveMaximumExceeded = 0x93,
    /// All places are taken.
    ServerBusy = 0x89,
    /// The server stops.
    ServerShuttingDown = 0x8b,
    /// Silent for longer than one and a half times its keep-alive.
    KeepAliveTimeout = 0x8d,
    /// A method of authentication that this server does not know.
    BadAuthenticationMethod = 0x8c,
    /// The same client connected anew.
    SessionTakenOver = 0x8e,
    /// Not a filter.
    TopicFilterInvalid = 0x8f,
    /// Not a topic.
    TopicNameInvalid = 0x90,
    /// A topic alias where none is allowed.
    TopicAliasInvalid = 0x94,
    /// Larger than this server takes.
    PacketTooLarge = 0x95,
    /// A limit of this server.
    QuotaExceeded = 0x97,
    /// Ended by an administrator.
    AdministrativeAction = 0x98,
}

impl Reason {
    /// What is told to the client in words. Shorter than 100 bytes.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Success => "all is well",
            Self::NoMatchingSubscribers => "nobody is there for the message",
            Self::NoSubscriptionExisted => "there was no such subscription",
            Self::MalformedPacket => "a packet that is none",
            Self::ProtocolError => "a packet that is not allowed here",
            Self::UnsupportedProtocolVersion => "this gateway speaks MQTT 3.1.1 and 5",
            Self::ClientIdentifierNotValid => "the client identifier is not valid",
            Self::BadUserNameOrPassword => "unknown user or wrong password",
            Self::NotAuthorized => "the topic is not this device's own",
            Self::ServerBusy => "all connections are taken",
            Self::ServerShuttingDown => "the gateway is stopping",
            Self::KeepAliveTimeout => "silent for longer than one and a half keep-alives",
            Self::SessionTakenOver => "the same client has connected again",
            Self::TopicFilterInvalid => "not a topic filter",
            Self::TopicNameInvalid => "not a topic to publish to",
            Self::TopicAliasInvalid => "the topic alias is 0, too high, or stands for nothing",
            Self::PacketTooLarge => "the packet is larger than this gateway takes",
            Self::QuotaExceeded => "messages were not read fast enough, or a limit was exceeded",
            Self::AdministrativeAction => "the device was changed or removed",
            Self::PacketIdentifierInUse => "the packet identifier is in use",
            Self::PacketIdentifierNotFound => "nothing is known of the packet identifier",
            Self::ReceiveMaximumExceeded => "more messages under way than this gateway allows",
            Self::ImplementationSpecificError => "the gateway could not write the message down; try again",
            Self::BadAuthenticationMethod => "this gateway knows user names, passwords and certificates only",
        }
    }

    /// The CONNACK return code of 3.1.1 (table 3.1); `None` where the specification lets a server only hang up.
    pub(super) fn connack_v4(self) -> Option<u8> {
        match self {
            Self::Success => Some(0),
            Self::UnsupportedProtocolVersion => Some(1),
            Self::ClientIdentifierNotValid => Some(2),
            Self::ServerBusy | Self::ServerShuttingDown | Self::QuotaExceeded => Some(3),
            Self::BadUserNameOrPassword => Some(4),
            Self::NotAuthorized => Some(5),
            _ => None,
        }
    }
}
