//! Flowcharts as people ask for them.

use crate::domain::DiagramType;

use super::draws;

#[test]
fn a_login_in_one_sentence() {
    draws(
        DiagramType::Mermaid,
        "user logs in, if the password is wrong show an error otherwise open the dashboard",
        "User logs in",
        r#"
flowchart TD
    n1["User logs in"]
    n2{"Password is wrong?"}
    n3["Show an error"]
    n4["Open the dashboard"]
    n1 --> n2
    n2 -->|"Yes"| n3
    n2 -->|"No"| n4
"#,
    );
}

#[test]
fn a_wrapped_request_with_a_question_answered_later() {
    draws(
        DiagramType::Mermaid,
        "please draw me a diagram of a login process: user enters credentials, the system checks if they are valid. If yes open the dashboard, otherwise show an error and try again",
        "Login process",
        r#"
flowchart TD
    n1["User enters credentials"]
    n2{"Valid?"}
    n3["Open the dashboard"]
    n4["Show an error"]
    n1 --> n2
    n2 -->|"Yes"| n3
    n2 -->|"No"| n4
    n4 --> n1
"#,
    );
}

#[test]
fn arrows_of_every_spelling() {
    draws(
        DiagramType::Mermaid,
        "A -> B --> C => D → E ->> F",
        "A to F",
        r#"
flowchart TD
    n1["A"]
    n2["B"]
    n3["C"]
    n4["D"]
    n5["E"]
    n6["F"]
    n1 --> n2
    n2 --> n3
    n3 --> n4
    n4 --> n5
    n5 --> n6
"#,
    );
}

#[test]
fn an_arrow_with_a_label() {
    draws(
        DiagramType::Mermaid,
        "A --> B: label",
        "A to B",
        r#"
flowchart LR
    n1["A"]
    n2["B"]
    n1 -->|"Label"| n2
"#,
    );
}

#[test]
fn mermaid_pasted_as_a_prompt() {
    draws(
        DiagramType::Mermaid,
        "flowchart TD\n A[Start] --> B{Valid?}\n B -->|yes| C[Save]\n B -->|no| A",
        "Start",
        r#"
flowchart TD
    n1["Start"]
    n2{"Valid?"}
    n3["Save"]
    n1 --> n2
    n2 -->|"Yes"| n3
    n2 -->|"No"| n1
"#,
    );
}

#[test]
fn arrows_to_and_from_several() {
    draws(
        DiagramType::Mermaid,
        "A, B -> C -> D, E",
        "A",
        r#"
flowchart TD
    n1["A"]
    n2["C"]
    n3["B"]
    n4["D"]
    n5["E"]
    n1 --> n2
    n3 --> n2
    n2 --> n4
    n2 --> n5
"#,
    );
}

#[test]
fn first_then_finally() {
    draws(
        DiagramType::Mermaid,
        "create a flowchart showing how to make tea: first boil water, then add tea and steep for 5 minutes, finally pour into a cup",
        "How to make tea",
        r#"
flowchart LR
    n1["Boil water"]
    n2["Add tea"]
    n3["Steep for 5 minutes"]
    n4["Pour into a cup"]
    n1 --> n2
    n2 --> n3
    n3 --> n4
"#,
    );
}

#[test]
fn numbered_steps_with_a_way_back() {
    draws(
        DiagramType::Mermaid,
        "Login flow\n\n1. Open the page\n2. Enter user name and password\n3. If the password is correct, go to the dashboard; otherwise go back to step 2\n4. Log out",
        "Login flow",
        r#"
flowchart TD
    n1["Open the page"]
    n2["Enter user name and password"]
    n3{"Password is correct?"}
    n4["Go to the dashboard"]
    n5["Log out"]
    n1 --> n2
    n2 --> n3
    n3 -->|"Yes"| n4
    n3 -->|"No"| n2
    n4 --> n5
"#,
    );
}

#[test]
fn a_pipeline_under_its_name() {
    draws(
        DiagramType::Mermaid,
        "CI pipeline: checkout code, run tests, if tests pass build the image and deploy it to production, else notify the team",
        "CI pipeline",
        r#"
flowchart TD
    n1["Checkout code"]
    n2["Run tests"]
    n3{"Tests pass?"}
    n4["Build the image"]
    n5["Deploy it to production"]
    n6["Notify the team"]
    n1 --> n2
    n2 --> n3
    n3 -->|"Yes"| n4
    n4 --> n5
    n3 -->|"No"| n6
"#,
    );
}

#[test]
fn else_if() {
    draws(
        DiagramType::Mermaid,
        "if it rains take an umbrella, else if it is sunny wear sunglasses, otherwise just go",
        "It rains",
        r#"
flowchart TD
    n1{"It rains?"}
    n2["Take an umbrella"]
    n3{"Sunny?"}
    n4["Wear sunglasses"]
    n5["Just go"]
    n1 -->|"Yes"| n2
    n1 -->|"No"| n3
    n3 -->|"Yes"| n4
    n3 -->|"No"| n5
"#,
    );
}

#[test]
fn a_condition_behind_its_step() {
    draws(
        DiagramType::Mermaid,
        "show an error if the password is wrong",
        "Password is wrong",
        r#"
flowchart TD
    n1{"Password is wrong?"}
    n2["Show an error"]
    n3(["Done"])
    n1 -->|"Yes"| n2
    n1 -->|"No"| n3
"#,
    );
}

#[test]
fn unless() {
    draws(
        DiagramType::Mermaid,
        "unless the cart is empty, charge the card, then send a receipt",
        "Cart is empty",
        r#"
flowchart TD
    n1{"Cart is empty?"}
    n2["Charge the card"]
    n3["Send a receipt"]
    n4(["Done"])
    n1 -->|"No"| n2
    n2 --> n3
    n1 -->|"Yes"| n4
"#,
    );
}

#[test]
fn chinese_with_a_choice() {
    draws(
        DiagramType::Mermaid,
        "用户登录，如果密码错误则显示错误，否则打开仪表板",
        "用户登录",
        r#"
flowchart TD
    n1["用户登录"]
    n2{"密码错误?"}
    n3["显示错误"]
    n4["打开仪表板"]
    n1 --> n2
    n2 -->|"Yes"| n3
    n2 -->|"No"| n4
"#,
    );
}

#[test]
fn german_with_a_choice() {
    draws(
        DiagramType::Mermaid,
        "Wenn das Passwort falsch ist, zeige einen Fehler, sonst öffne das Dashboard",
        "Das Passwort falsch ist",
        r#"
flowchart TD
    n1{"Das Passwort falsch ist?"}
    n2["Zeige einen Fehler"]
    n3["Öffne das Dashboard"]
    n1 -->|"Yes"| n2
    n1 -->|"No"| n3
"#,
    );
}

#[test]
fn hostile_signs_in_a_step() {
    draws(
        DiagramType::Mermaid,
        "\"quoted\" end; class %% ` --- \\ <b>#1</b> ${x}",
        "Quoted end",
        r##"
flowchart LR
    n1["#quot;quoted#quot; end"]
    n2["Class #37;#37; #96; --- #92; #lt;b#gt;#35;1#lt;/b#gt; #36;#123;x#125;"]
    n1 --> n2
"##,
    );
}

#[test]
fn the_example_of_the_help_has_a_decision_with_two_ways() {
    draws(
        DiagramType::Mermaid,
        "Order arrives; if in stock ship it, otherwise back-order",
        "Order arrives",
        r#"
flowchart TD
    n1["Order arrives"]
    n2{"In stock?"}
    n3["Ship it"]
    n4["Back-order"]
    n1 --> n2
    n2 -->|"Yes"| n3
    n2 -->|"No"| n4
"#,
    );
}
