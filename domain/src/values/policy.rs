//! What an audience's passwords, lockouts and sessions must keep to (R64).

use super::{Field, FieldChange, Plain, Setting};
use serde::{Deserialize, Serialize};

/// The policy of one audience. Every value is a whole number with a range; out of range is refused, not bent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The fewest characters of a new password. 8 to 128.
    pub password_min_length: i64,
    /// So many failures within the window lock the account. 3 to 1,000.
    pub lockout_failures: i64,
    /// The window in which failures are counted, in seconds. 60 to 86,400.
    pub lockout_window_seconds: i64,
    /// How long a locked account stays locked, in seconds. 60 to 86,400.
    pub lockout_seconds: i64,
    /// A session that was not used for so long is over, in seconds. 300 to 2,592,000 (30 days).
    pub session_idle_seconds: i64,
    /// A session is over after so long, used or not, in seconds. 300 to 7,776,000 (90 days).
    pub session_absolute_seconds: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            password_min_length: 12,
            lockout_failures: 20,
            lockout_window_seconds: 900,
            lockout_seconds: 900,
            session_idle_seconds: 28_800,
            session_absolute_seconds: 604_800,
        }
    }
}

impl Policy {
    /// Each value by name, with the range that it must stay in.
    pub const RANGES: [(&'static str, i64, i64); 6] = [
        ("password_min_length", 8, 128),
        ("lockout_failures", 3, 1_000),
        ("lockout_window_seconds", 60, 86_400),
        ("lockout_seconds", 60, 86_400),
        ("session_idle_seconds", 300, 2_592_000),
        ("session_absolute_seconds", 300, 7_776_000),
    ];

    fn slot(&mut self, name: &str) -> Option<&mut i64> {
        match name {
            "password_min_length" => Some(&mut self.password_min_length),
            "lockout_failures" => Some(&mut self.lockout_failures),
            "lockout_window_seconds" => Some(&mut self.lockout_window_seconds),
            "lockout_seconds" => Some(&mut self.lockout_seconds),
            "session_idle_seconds" => Some(&mut self.session_idle_seconds),
            "session_absolute_seconds" => Some(&mut self.session_absolute_seconds),
            _ => None,
        }
    }

    /// The value called `name`.
    pub fn value(mut self, name: &str) -> Option<i64> {
        self.slot(name).copied()
    }

    /// Takes a change over from an event.
    pub fn apply(&mut self, change: &FieldChange) {
        if let (Some(slot), Some(Setting::Plain(Plain::Number(value)))) =
            (self.slot(change.field.as_str()), &change.after)
        {
            *slot = *value;
        }
    }

    /// The change that sets `name` to `value`, or `None` if it has that value already.
    pub fn change(self, name: &str, value: i64) -> Option<FieldChange> {
        let before = self.value(name)?;
        let number = |n| Some(Setting::Plain(Plain::Number(n)));
        (before != value).then(|| FieldChange { field: Field::new(name), before: number(before), after: number(value) })
    }
}
