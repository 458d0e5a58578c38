//! What a codec remembers of one device: nothing for most, and then it costs one pointer.

use std::any::Any;

/// What a codec remembers of one device between its messages: aliases, points that were found. A pointer to a pointer,
/// which is half as wide as a pointer to something of any kind: ten thousand devices have an empty one.
#[derive(Default)]
pub struct CodecMemory(Option<Box<Box<dyn Any + Send>>>);

impl CodecMemory {
    /// What is remembered, if it is anything of this kind.
    #[must_use]
    pub fn get<T: Any + Send>(&self) -> Option<&T> {
        (**self.0.as_ref()?).downcast_ref()
    }

    /// What is remembered, made anew if there is nothing of this kind.
    pub fn get_or_default<T: Any + Send + Default>(&mut self) -> &mut T {
        let kept = self.0.take().filter(|kept| (***kept).is::<T>());
        let kept = self
            .0
            .insert(kept.unwrap_or_else(|| Box::new(Box::new(T::default()))));
        match (***kept).downcast_mut() {
            Some(memory) => memory,
            None => unreachable!("the memory was made to be of this kind"),
        }
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_memory_is_one_pointer() {
        assert_eq!(size_of::<CodecMemory>(), size_of::<usize>());
        assert!(CodecMemory::default().is_empty());
    }

    #[test]
    fn what_was_remembered_is_found_again_and_another_kind_begins_anew() {
        let mut memory = CodecMemory::default();
        assert_eq!(memory.get::<Vec<u8>>(), None);
        memory.get_or_default::<Vec<u8>>().push(7);
        assert_eq!(memory.get_or_default::<Vec<u8>>(), &[7]);
        assert_eq!(memory.get_or_default::<String>(), "");
        assert_eq!(memory.get::<Vec<u8>>(), None);
    }
}
