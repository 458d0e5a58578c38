//! Pages as they are loaded, and components alone.

use super::pages::Part;
use super::start;
use crate::html;
use crate::render::{Cid, Rendered};
use crate::routes::Routes;
use crate::sign::SigningKey;
use crate::site::Site;
use crate::testing::{Browser, Failure, component};
use crate::view::{Context, LiveComponent};

#[tokio::test]
async fn a_page_is_looked_at_before_its_view_has_joined() -> Result<(), Failure> {
    let page = Browser::new(start().await).load("/").await?;
    assert_eq!((page.address(), page.count(".count")?), ("/", 2));
    assert_eq!(page.text("#part-1 .count")?, "0");
    assert!(page.has("#to-view", "view")? && !page.has("#to-view", "all")?);
    assert_eq!(page.texts("[phx-target='#part-1']")?, ["1", ""]);
    assert_eq!(page.value_of("#field", "phx-focus")?.as_deref(), Some("focus"));
    assert_eq!(page.value_of("#field", "phx-click")?, None);
    let error = page.text(".count").unwrap_err().to_string();
    assert_eq!(error, ".count are 2 elements");
    Ok(())
}

#[tokio::test]
async fn a_page_that_is_not_there_is_not_loaded() {
    let error = Browser::new(start().await).load("/nowhere").await.unwrap_err();
    assert!(error.to_string().starts_with("/nowhere: status 404"), "{error}");
}

/// Holds two others, and says what the program's state is.
struct Pair(u32);

impl LiveComponent for Pair {
    type Props = u32;

    fn mount(first: u32, _: &mut Context) -> Self {
        Self(first)
    }

    fn update(&mut self, first: u32, _: &mut Context) {
        self.0 = first;
    }

    fn render(&self, _: Cid, context: &Context) -> Rendered {
        html! {
            <section>
                <p>{context.app::<String>().map(String::as_str)}</p>
                {context.component::<Part>("first", self.0)}
                {context.component::<Part>("second", self.0 + 1)}
            </section>
        }
    }
}

#[test]
fn a_component_is_looked_at_alone_with_the_components_within_it() -> Result<(), Failure> {
    let site = Site::builder(SigningKey::random().unwrap(), Routes::new())
        .app(std::sync::Arc::new("the plant".to_owned()))
        .build()
        .unwrap();
    let part = component::<Part>(&site, 7)?;
    assert_eq!(part.value_of("div", "id")?.as_deref(), Some("part-7"));
    assert_eq!(part.text(".count")?, "0");
    let pair = component::<Pair>(&site, 3)?;
    assert_eq!(pair.text("section > p")?, "the plant");
    assert_eq!(pair.count("#part-3, #part-4")?, 2);
    Ok(())
}
