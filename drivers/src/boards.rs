//! The list of boards. A board is one file in `boards/`, its module and its line here.

pub mod linux;
pub mod simulated;

use crate::BoardDef;

/// Every kind of board that the gateway can open a bus on.
pub static BOARDS: &[BoardDef] = &[linux::DEF, simulated::DEF];
