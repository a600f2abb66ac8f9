//! A token that a person disabled, while the configuration says nothing of that.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_suspension_by_a_person_outlives_a_rotation_and_the_plan_tells_it() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    let first = id(&run);
    run.issuer.enable_by_hand(&first, false);
    run.config.insert("lifetime", "20d");
    run.read().await;
    let (plan, said) = run.plan().await;
    assert!(
        said.warnings.iter().any(|w| w.contains("successor")),
        "{:?}",
        said.warnings
    );
    assert_eq!(plan.planned.get("enabled").as_bool(), Some(false));
    run.apply_planned(plan, Connection::default()).await;
    assert_ne!(id(&run), first);
    assert_eq!(run.text("status"), "disabled");
    assert!(
        !run.issuer.accepts(run.text("value")),
        "it is suspended, too"
    );
    run.read().await;
    assert!(run.plans_nothing().await);

    // A person ends it, and the next rotation is as usual.
    run.issuer.enable_by_hand(&id(&run), true);
    run.config.insert("lifetime", "30d");
    run.apply().await;
    assert_eq!(run.text("status"), "active");
    assert!(run.issuer.accepts(run.text("value")));
}

#[tokio::test(start_paused = true)]
async fn a_suspension_by_a_person_outlives_the_loss_of_its_token_and_the_plan_tells_it() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    tokio::time::sleep(hours(1)).await;
    let first = id(&run);
    run.issuer.enable_by_hand(&first, false);
    run.read().await;
    run.issuer.revoke_by_hand(&first);
    run.read().await;
    assert_eq!(run.text("status"), "missing");
    let (plan, said) = run.plan().await;
    let told = said.warnings.concat();
    assert!(told.contains("successor"), "{told}");
    assert_eq!(plan.planned.get("enabled").as_bool(), Some(false));
    run.apply_planned(plan, Connection::default()).await;
    assert_ne!(id(&run), first);
    assert_eq!(run.text("status"), "disabled");
    assert!(!run.issuer.accepts(run.text("value")));
    run.read().await;
    assert!(run.plans_nothing().await);
}
