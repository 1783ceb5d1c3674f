//! Two acts at once on PostgreSQL, where only their locks keep them apart.

use super::{
    super::{
        attachments::ChangeAttachment, create::CreateIdentity, delete::DeleteIdentity, members::ChangeMembership,
        policies::DeletePolicy,
    },
    *,
};
use gantry_metadata::suite::two_writers;

fn attach(name: &str, arn: &str) -> ChangeAttachment {
    ChangeAttachment {
        account: ACCOUNT,
        kind: IdentityKind::User,
        name: name.into(),
        arn: arn.into(),
        attached: true,
        actor: "somebody".into(),
    }
}

fn delete(kind: IdentityKind, name: &str) -> DeleteIdentity {
    DeleteIdentity { account: ACCOUNT, kind, name: name.into(), actor: "somebody".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_take_one_name_one_is_told_that_it_is_taken() {
    let ground = Ground::on_postgres();
    let taken = ground.user("ci").await;
    let create = |id: &str, name: &str| CreateIdentity {
        identity: Identity { id: id.into(), name: name.into(), ..taken.clone() },
        named: vec![],
        actor: "somebody".into(),
    };

    let (first, second) =
        two_writers(&ground.metadata, &ground.cx(), create("AIDAA", "new"), create("AIDAB", "New")).await;

    assert_ne!(first.is_ok(), second.is_ok());
    assert_eq!(first.err().or(second.err()).unwrap().kind, FaultKind::EntityAlreadyExists);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_not_deleted_while_a_policy_is_attached() {
    let ground = Ground::on_postgres();
    ground.user("ci").await;
    let arn = ground.policy("read").await.arn;

    let (attached, deleted) =
        two_writers(&ground.metadata, &ground.cx(), attach("ci", &arn), delete(IdentityKind::User, "ci")).await;

    assert_ne!(attached.is_ok(), deleted.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_not_deleted_while_it_is_attached() {
    let ground = Ground::on_postgres();
    ground.user("ci").await;
    let arn = ground.policy("read").await.arn;
    let deletion = DeletePolicy { account: ACCOUNT, arn: arn.clone(), actor: "somebody".into() };

    let (attached, deleted) = two_writers(&ground.metadata, &ground.cx(), attach("ci", &arn), deletion).await;

    assert_ne!(attached.is_ok(), deleted.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_not_deleted_while_a_user_joins() {
    let ground = Ground::on_postgres();
    ground.user("ci").await;
    ground.create(NewIdentity::group("ops")).await;
    let join = ChangeMembership {
        account: ACCOUNT,
        group: "ops".into(),
        user: "ci".into(),
        is_member: true,
        actor: "somebody".into(),
    };

    let (joined, deleted) = two_writers(&ground.metadata, &ground.cx(), join, delete(IdentityKind::Group, "ops")).await;

    assert_ne!(joined.is_ok(), deleted.is_ok());
}
