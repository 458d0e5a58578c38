//! The pages: empty, small and large gateways, states and ages, and who may see them.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail anywhere, in its own helpers too"
)]

mod site;

use axum::body::Body;
use axum::http::{Request, header};
use roost_model::{NoData, Value};
use roost_runtime::ChildSpec;
use roost_web::WebOptions;
use site::{Reply, Site, TOKEN, device};

#[tokio::test]
async fn a_gateway_without_devices_says_the_next_step() {
    let page = Site::with(vec![]).await.visit("/").await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("roost device add boiler --profile native"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("mosquitto_pub -h localhost -p 1883"),
        "{}",
        page.text
    );
    assert!(page.text.contains("Supervision tree"));
}

#[tokio::test]
async fn values_stand_with_unit_age_and_freshness() {
    let site = Site::usual().await;
    site.publish("boiler", "flow", Ok(Value::Float(3.25)), "l/min", 20_000);
    site.publish("boiler", "level", Ok(Value::Int(5)), "%", 47_000_000);
    site.publish("boiler", "ph", Err(NoData::Timeout), "", 0);
    for path in ["/", "/devices/boiler"] {
        let text = site.visit(path).await.text;
        for part in [
            "3.25",
            "l/min",
            "late",
            "13 h ago",
            "stale",
            "21.5",
            "°C",
            "fresh",
            "no answer in time",
            "on",
        ] {
            assert!(text.contains(part), "{path}: {part}");
        }
    }
}

#[tokio::test]
async fn a_label_or_a_text_value_is_never_markup() {
    let evil = "<script>alert(1)</script>\"'&";
    let site = Site::with(vec![device("boiler", evil)]).await;
    site.publish("boiler", "mode", Ok(Value::Text(evil.to_owned())), "<b>", 0);
    site.web.devices.terminate_child("boiler").await.unwrap();
    let fails = ChildSpec::new("boiler", |_| async { Err("<script>boom</script>".into()) });
    site.web.devices.start_child(fails).await.unwrap();
    while site
        .web
        .devices
        .child("boiler")
        .is_none_or(|child| child.last_reason.is_none())
    {
        tokio::task::yield_now().await;
    }
    for path in [
        "/",
        "/devices/boiler",
        "/system",
        "/?q=%3Cscript%3E",
        "/devices/%3Cscript%3E",
        "/%3Cscript%3E",
    ] {
        let text = site.visit(path).await.text;
        assert!(
            !text.contains("<script") && !text.contains("<b>"),
            "{path}: {text}"
        );
    }
    assert!(site.visit("/").await.text.contains("&lt;script&gt;alert(1)"));
}

/// Hundredths of a second for which a processor has worked for this thread (proc(5)); waiting for one counts nothing.
fn worked() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn ten_thousand_devices_come_a_hundred_at_a_time() {
    let site = Site::with(
        (0..10_000)
            .map(|n| device(&format!("sim-{n:05}"), "Sensor"))
            .collect(),
    )
    .await;
    for n in 0..10_000 {
        let age_ms = if n % 100 == 0 { 60_000 } else { 0 };
        site.publish(
            &format!("sim-{n:05}"),
            "temperature",
            Ok(Value::Int(n)),
            "°C",
            age_ms,
        );
    }
    let first = site.visit("/").await.text;
    assert_eq!(first.matches("<tbody>").count(), 100);
    for part in [
        "1 to 100 of 10,000",
        "Page 1 of 100",
        "sim-00099",
        "href=\"/?page=2\"",
    ] {
        assert!(first.contains(part), "{part}");
    }
    let before = worked();
    let last = site.visit("/?page=100").await.text;
    let took = worked() - before;
    assert!(took < 100, "{took} hundredths of a second");
    assert_eq!(last.matches("<tbody>").count(), 100);
    assert!(last.contains("9,901 to 10,000 of 10,000") && last.contains("sim-09999"));
    assert!(
        site.visit("/?page=999&q=sim-0420")
            .await
            .text
            .contains("10 devices with")
    );
    let stale = site.visit("/?show=stale").await.text;
    assert!(stale.contains("<strong class=\"num\">100</strong>") && stale.contains("sim-09900"));
    assert!(site.visit("/?q=nothing").await.text.contains("No device fits"));
}

#[tokio::test]
async fn a_device_in_backoff_is_counted_found_and_explained() {
    let site = Site::usual().await;
    site.web.devices.terminate_child("lamp").await.unwrap();
    let spec = ChildSpec::new("lamp", |_| async { Err("nothing answers at 0x76".into()) });
    site.web.devices.start_child(spec).await.unwrap();
    while site
        .web
        .devices
        .child("lamp")
        .is_none_or(|child| child.restarts == 0)
    {
        tokio::task::yield_now().await;
    }
    let text = site.visit("/?show=backoff").await.text;
    for part in ["in backoff", "nothing answers at 0x76", "1 device"] {
        assert!(text.contains(part), "{part}");
    }
    assert_eq!(text.matches("<tbody>").count(), 1);
}

#[tokio::test]
async fn the_page_of_a_device_shows_its_topics_and_its_last_commands() {
    let site = Site::usual().await;
    let path = "/api/v1/devices/boiler/points/temperature/commands";
    site.call("POST", path, Some(serde_json::json!({"value": 1})))
        .await
        .problem(409);
    let text = site.visit("/devices/boiler").await.text;
    for part in [
        "devices/boiler/telemetry/+",
        "devices/boiler/commands/+",
        "refused",
        "takes no commands",
        "sent after 12 ms",
    ] {
        assert!(text.contains(part), "{part}");
    }
    let missing = site.visit("/devices/nobody").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text.contains("<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_page_loads_itself_again_until_it_is_told_not_to() {
    let site = Site::usual().await;
    for path in ["/", "/devices/boiler", "/system"] {
        let moving = site.visit(path).await.text;
        assert!(
            moving.contains("http-equiv=\"refresh\"") && moving.contains("refresh=off"),
            "{path}"
        );
        let still = site.visit(&format!("{path}?refresh=off")).await.text;
        assert!(!still.contains("http-equiv=\"refresh\""), "{path}");
    }
}

#[tokio::test]
async fn every_response_carries_the_headers_and_only_assets_may_be_kept() {
    let site = Site::usual().await;
    let page = site.visit("/").await;
    let at = page.text.find("/assets/roost.").unwrap();
    let stylesheet = page.text[at..].split('"').next().unwrap().to_owned();
    for path in [
        "/",
        "/api/v1/health",
        "/nothing",
        "/metrics",
        &stylesheet,
        "/assets/icon.svg",
    ] {
        let reply = site.visit(path).await;
        assert!(
            reply
                .header(header::CONTENT_SECURITY_POLICY)
                .starts_with("default-src 'none'; style-src 'self'")
        );
        assert_eq!(reply.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(reply.header(header::REFERRER_POLICY), "no-referrer");
        let kept = reply.header(header::CACHE_CONTROL);
        assert_eq!(
            kept.starts_with("public"),
            path.starts_with("/assets/"),
            "{path}: {kept}"
        );
    }
    assert!(!page.text.contains("<script") && !page.text.contains("style=") && !page.text.contains("//"));
    assert_eq!(site.visit("/metrics").await.text, "roost_up 1\n");
}

async fn with_host(site: &Site, host: &str) -> Reply {
    site.send(
        Request::get("/api/v1/health")
            .header("host", host)
            .body(Body::empty())
            .unwrap(),
    )
    .await
}

#[tokio::test]
async fn a_request_under_another_name_is_refused() {
    let options = WebOptions {
        hosts: vec!["roost.local".to_owned()],
        ..WebOptions::default()
    };
    let site = Site::at(options, vec![]).await;
    assert_eq!(with_host(&site, "roost.local:8080").await.status, 200);
    assert_eq!(with_host(&site, "10.0.0.7").await.status, 200);
    with_host(&site, "evil.example").await.problem(421);
    site.send(
        Request::get("http://evil.example/")
            .header("host", "localhost")
            .body(Body::empty())
            .unwrap(),
    )
    .await
    .problem(421);
    site.send(Request::get("/").body(Body::empty()).unwrap())
        .await
        .problem(400);
}

async fn post(site: &Site, path: &str, form: &str) -> Reply {
    let request = Request::post(path).header("host", "localhost");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    site.send(request.body(form.to_owned().into()).unwrap()).await
}

#[tokio::test]
async fn pages_that_others_can_reach_ask_for_the_token_once() {
    let options = WebOptions {
        address: ([0, 0, 0, 0], 0).into(),
        ..WebOptions::default()
    };
    let site = Site::at(options, vec![device("boiler", "Boiler")]).await;
    let away = site.visit("/devices/boiler").await;
    assert_eq!(
        (away.status.as_u16(), away.header(header::LOCATION)),
        (303, "/sign-in?next=/devices/boiler")
    );
    assert_eq!(site.visit("/").await.status, 303);
    site.visit("/metrics").await.problem(401);
    assert_eq!(site.call("GET", "/metrics", None).await.status, 200);
    assert_eq!(site.visit("/sign-in").await.status, 200);
    assert_eq!(post(&site, "/sign-in", "token=wrong").await.status, 401);
    let back = post(&site, "/sign-in", &format!("token={TOKEN}&next=//evil.example")).await;
    assert_eq!((back.status.as_u16(), back.header(header::LOCATION)), (303, "/"));
    let cookie = back.header(header::SET_COOKIE).to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains(TOKEN),
        "{cookie}"
    );
    let session = cookie.split(';').next().unwrap().to_owned();
    let visit = |path: &'static str, cookie: String| {
        let request = Request::get(path)
            .header("host", "localhost")
            .header("cookie", cookie);
        site.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(
        visit("/devices/boiler", format!("a=b; {session}")).await.status,
        200
    );
    // A session is for the pages only, and can't be made longer.
    visit("/api/v1/devices", session.clone()).await.problem(401);
    assert_eq!(visit("/", session.replacen("=1", "=9", 1)).await.status, 303);
    assert_eq!(
        visit("/", "roost_session=9999999999.".to_owned()).await.status,
        303
    );
    assert!(
        post(&site, "/sign-out", "")
            .await
            .header(header::SET_COOKIE)
            .contains("Max-Age=0")
    );
}

#[tokio::test]
async fn another_site_can_sign_nobody_in() {
    let options = WebOptions {
        address: ([0, 0, 0, 0], 0).into(),
        ..WebOptions::default()
    };
    let site = Site::at(options, vec![]).await;
    let request = Request::post("/sign-in")
        .header("host", "localhost")
        .header("sec-fetch-site", "cross-site");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let reply = site
        .send(request.body(format!("token={TOKEN}").into()).unwrap())
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.header(header::SET_COOKIE)),
        (403, "")
    );
}

#[tokio::test]
async fn a_device_that_is_connected_and_says_nothing_is_silent_on_every_page() {
    let site = Site::usual().await;
    site.retain("devices/boiler/freshness", r#"{"freshness":"silent","at_ms":5}"#);
    for path in ["/", "/?show=silent", "/devices/boiler"] {
        let text = site.visit(path).await.text;
        assert!(text.contains("Boiler") && text.contains("silent"), "{path}");
    }
    let device = site.call("GET", "/api/v1/devices/boiler", None).await.json();
    assert_eq!(
        (&device["silent"], &device["connected"]),
        (&serde_json::json!(true), &serde_json::json!(true))
    );
}

#[tokio::test]
async fn a_value_with_a_time_to_come_is_unknown_and_counted_as_nothing_else() {
    let site = Site::usual().await;
    site.publish("boiler", "temperature", Ok(Value::Float(21.5)), "°C", -3_600_000);
    let said = r#"{"freshness":"unknown","at_ms":5}"#;
    site.retain("devices/boiler/points/temperature/freshness", said);
    let point = site
        .call("GET", "/api/v1/devices/boiler/points/temperature", None)
        .await
        .json();
    assert_eq!(point["freshness"], "unknown");
    assert!(site.visit("/?show=stale").await.text.contains("No device fits"));
}
