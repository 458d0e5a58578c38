//! What makes a user valid.

use roost_model::{User, check_name};

use super::check_label;
use crate::{FieldErrors, Record};

/// How the PHC string of the one password hash that is taken begins.
const PASSWORD_SCHEME: &str = "$argon2id$";

impl Record for User {
    const TABLE: &'static str = "users";
    /// Not the hash: it is made of a password by the program.
    const FIELDS: &'static [&'static str] = &["id", "label", "role"];

    fn key(&self) -> &str {
        &self.id
    }

    fn validate(&self, errors: &mut FieldErrors) {
        errors.check("id", check_name(&self.id));
        check_label(&self.label, errors);
        if !self.password_hash.is_empty() && !self.password_hash.starts_with(PASSWORD_SCHEME) {
            errors.add("password_hash", "must be an argon2id hash in PHC form, or empty");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Changeset;
    use roost_model::Role;
    use serde_json::json;

    #[test]
    fn a_password_hash_comes_from_the_program_and_is_argon2id() {
        let params = json!({"id": "anna", "password_hash": "$argon2id$x"});
        let errors = Changeset::cast(User::default(), params.as_object().unwrap())
            .finish()
            .unwrap_err();
        assert_eq!(errors.of("password_hash"), ["is not a field"]);

        let params = json!({"id": "anna", "role": "operator"});
        let with = |hash: &str| {
            Changeset::cast(User::default(), params.as_object().unwrap())
                .change(|user| user.password_hash = hash.to_owned())
                .finish()
        };
        assert_eq!(with("$argon2id$v=19$m=1").unwrap().role, Role::Operator);
        assert!(with("").is_ok());
        assert!(!with("plain text").unwrap_err().of("password_hash").is_empty());
    }

    #[test]
    fn somebody_who_may_set_only_the_label_can_not_become_an_admin() {
        let anna = User {
            id: "anna".into(),
            ..User::default()
        };
        let params = json!({"label": "Anna", "role": "admin"});
        let errors = Changeset::cast_only(anna, params.as_object().unwrap(), &["label", "password_hash"])
            .finish()
            .unwrap_err();
        assert_eq!(errors.to_string(), "role is not a field");
    }
}
