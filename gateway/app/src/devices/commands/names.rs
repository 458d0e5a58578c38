//! Names of commands: they sort in the order of issue, whatever the clock does.

/// Numbers within one millisecond, written with four hexadecimal digits.
const NUMBERS: u32 = 0x1_0000;

/// The name that was given last.
#[derive(Debug, Default)]
pub(super) struct Names {
    at_ms: u64,
    number: u32,
}

impl Names {
    /// Goes on after the last name of an earlier run.
    pub(super) fn after(last: Option<&str>) -> Self {
        last.and_then(Self::parse).unwrap_or_default()
    }

    fn parse(name: &str) -> Option<Self> {
        let (at_ms, number) = name.strip_prefix('c')?.split_once('-')?;
        Some(Self {
            at_ms: at_ms.parse().ok()?,
            number: u32::from_str_radix(number, 16).ok()?,
        })
    }

    /// The next name; `wall_ms` is the time of day. A clock that was set back makes names that go on from the last one.
    pub(super) fn next(&mut self, wall_ms: i64) -> String {
        let wall_ms = u64::try_from(wall_ms).unwrap_or(0);
        if wall_ms > self.at_ms {
            (self.at_ms, self.number) = (wall_ms, 0);
        } else {
            self.number += 1;
        }
        if self.number >= NUMBERS {
            (self.at_ms, self.number) = (self.at_ms + 1, 0);
        }
        format!("c{:013}-{:04x}", self.at_ms, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_grow_even_when_the_clock_goes_back_or_the_gateway_starts_again() {
        let mut names = Names::default();
        let mut given = vec![
            names.next(1000),
            names.next(1000),
            names.next(900),
            names.next(2000),
        ];
        let mut names = Names::after(given.last().map(String::as_str));
        given.push(names.next(1500));
        for _ in 0..NUMBERS {
            names.next(1500);
        }
        given.push(names.next(1500));
        assert!(
            given.is_sorted() && given.windows(2).all(|two| two[0] != two[1]),
            "{given:?}"
        );
        assert_eq!(given[0], "c0000000001000-0000");
    }
}
