//! How large a file an account may upload.
//!
//! In: the answer of `help.getAppConfig`, the account's Premium flag, the configured override. Out: bytes. Must not: ask Telegram.

use grammers_tl_types::enums::{JsonobjectValue, Jsonvalue};

/// Size of every part of a file but the last, in bytes: the largest that Telegram takes, and the one that it advises
/// (<https://core.telegram.org/api/files#uploading-files>).
pub const PART_BYTES: u64 = 512 * 1024;

/// Parts that one file may have: <https://core.telegram.org/api/files#uploading-files>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartLimits {
    /// For accounts without Premium.
    pub default: u32,
    /// For Premium accounts.
    pub premium: u32,
}

impl Default for PartLimits {
    /// The documented values, for when the live ones can't be had.
    fn default() -> Self {
        Self { default: 4000, premium: 8000 }
    }
}

impl PartLimits {
    /// Reads `upload_max_fileparts_default` and `_premium`; what is missing or senseless stays at the documented value.
    pub fn from_app_config(config: &Jsonvalue) -> Self {
        let documented = Self::default();
        Self {
            default: number(config, "upload_max_fileparts_default").unwrap_or(documented.default),
            premium: number(config, "upload_max_fileparts_premium").unwrap_or(documented.premium),
        }
    }

    /// Largest file in bytes. `configured_bytes` lowers it; 0 leaves it as it is.
    pub fn max_bytes(self, premium: bool, configured_bytes: u64) -> u64 {
        let parts = if premium { self.premium } else { self.default };
        let live_bytes = u64::from(parts) * PART_BYTES;
        if configured_bytes == 0 { live_bytes } else { live_bytes.min(configured_bytes) }
    }
}

fn number(config: &Jsonvalue, wanted: &str) -> Option<u32> {
    let Jsonvalue::JsonObject(object) = config else { return None };
    object.value.iter().find_map(|JsonobjectValue::JsonObjectValue(entry)| match &entry.value {
        Jsonvalue::JsonNumber(number) if entry.key == wanted && (1.0..=1e6).contains(&number.value) => Some(number.value as u32),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use grammers_tl_types::types;

    use super::*;

    fn config(entries: &[(&str, f64)]) -> Jsonvalue {
        let entry = |(key, value): &(&str, f64)| {
            let value = Jsonvalue::JsonNumber(types::JsonNumber { value: *value });
            JsonobjectValue::JsonObjectValue(types::JsonObjectValue { key: (*key).to_owned(), value })
        };
        Jsonvalue::JsonObject(types::JsonObject { value: entries.iter().map(entry).collect() })
    }

    #[test]
    fn live_values_go_over_documented_ones() {
        let live = config(&[("other", 1.0), ("upload_max_fileparts_default", 2000.0), ("upload_max_fileparts_premium", 9000.0)]);
        assert_eq!(PartLimits::from_app_config(&live), PartLimits { default: 2000, premium: 9000 });
        for senseless in [config(&[]), config(&[("upload_max_fileparts_default", -1.0)]), Jsonvalue::JsonNull] {
            assert_eq!(PartLimits::from_app_config(&senseless), PartLimits::default());
        }
    }

    #[test]
    fn the_largest_file_follows_premium_and_the_configuration() {
        let table = [
            (false, 0, 2_097_152_000),
            (true, 0, 4_194_304_000),
            (false, 1_000_000, 1_000_000),
            (false, 9_000_000_000, 2_097_152_000),
            (true, 3_000_000_000, 3_000_000_000),
        ];
        for (premium, configured_bytes, expected) in table {
            assert_eq!(PartLimits::default().max_bytes(premium, configured_bytes), expected);
        }
    }
}
