//! The other kinds of diagrams as people ask for them.

use crate::domain::DiagramType;

use super::draws;

#[test]
fn messages_in_prose() {
    draws(
        DiagramType::Mermaid,
        "Browser sends a login request to the server, the server queries the database for the user, the database returns the record, and the server returns a token to the browser",
        "Browser, Server and Database",
        r#"
sequenceDiagram
    participant Browser
    participant Server
    participant Database
    Browser->>Server: Login request
    Server->>Database: Queries for the user
    Database-->>Server: Record
    Server-->>Browser: Token
"#,
    );
}

#[test]
fn messages_that_depend() {
    draws(
        DiagramType::Mermaid,
        "User sends credentials to API. If the credentials are valid the API returns a token to the User, otherwise the API returns an error to the User.",
        "User and API",
        r#"
sequenceDiagram
    actor User
    participant API
    User->>API: Credentials
    alt Credentials are valid
        API-->>User: Token
    else Otherwise
        API-->>User: Error
    end
"#,
    );
}

#[test]
fn messages_drawn_with_arrows() {
    draws(
        DiagramType::Mermaid,
        "Alice ->> Bob: hello\nBob -->> Alice: hi",
        "Alice and Bob",
        r#"
sequenceDiagram
    actor Alice
    actor Bob
    Alice->>Bob: Hello
    Bob-->>Alice: Hi
"#,
    );
}

#[test]
fn a_sequence_of_which_nothing_is_told() {
    draws(
        DiagramType::Mermaid,
        "sequence diagram of OAuth login",
        "User and System",
        r#"
sequenceDiagram
    actor User
    participant System
    User->>System: OAuth login
"#,
    );
}

#[test]
fn entities_relations_and_attributes() {
    draws(
        DiagramType::Mermaid,
        "A customer has many orders. Each order contains many items and belongs to one customer. User has name, email and age",
        "Customer, Order, Item and others",
        r#"
erDiagram
    Customer
    Order
    Item
    User {
        string name
        string email
        int age
    }
    Customer ||--o{ Order : "has"
    Order ||--o{ Item : "contains"
"#,
    );
}

#[test]
fn tables_with_foreign_keys() {
    draws(
        DiagramType::Mermaid,
        "ER diagram: users(id, name, email), orders(id, user_id, total, created_at)",
        "User and Order",
        r#"
erDiagram
    User {
        int id PK
        string name
        string email
    }
    Order {
        int id PK
        int user_id FK
        decimal total
        datetime created_at
    }
    User ||--o{ Order : "has"
"#,
    );
}

#[test]
fn many_to_many() {
    draws(
        DiagramType::Mermaid,
        "a student enrolls in many courses and a course has many students",
        "Student and Course",
        r#"
erDiagram
    Student
    Course
    Student }o--o{ Course : "enrolls in"
"#,
    );
}

#[test]
fn a_move_and_its_cause() {
    draws(
        DiagramType::Mermaid,
        "when paid the order goes from pending to shipped",
        "States: Pending and Shipped",
        r#"
stateDiagram-v2
    Pending
    Shipped
    [*] --> Pending
    Pending --> Shipped : Paid
    Shipped --> [*]
"#,
    );
}

#[test]
fn a_state_diagram_with_causes() {
    draws(
        DiagramType::Mermaid,
        "State diagram of an order: from pending to paid when the payment arrives, from paid to shipped when packed, and from shipped to delivered",
        "Order",
        r#"
stateDiagram-v2
    Pending
    Paid
    Shipped
    Delivered
    [*] --> Pending
    Pending --> Paid : Payment arrives
    Paid --> Shipped : Packed
    Shipped --> Delivered
    Delivered --> [*]
"#,
    );
}

#[test]
fn a_plan_with_dates_and_durations() {
    draws(
        DiagramType::Mermaid,
        "Design from 2026-01-05 to 2026-01-12, Build for 2 weeks after Design, Testing 5 days after Build, Launch on 2026-03-01",
        "Plan from Design to Launch",
        r#"
gantt
    title Plan from Design to Launch
    dateFormat YYYY-MM-DD
    section Plan
    Design :t1, 2026-01-05, 2026-01-12
    Build :t2, after t1, 14d
    Testing :t3, after t2, 5d
    Launch :milestone, t4, 2026-03-01, 0d
"#,
    );
}

#[test]
fn a_plan_in_phases() {
    draws(
        DiagramType::Mermaid,
        "Phase 1:\n- Research: 2 weeks\n- Design: 10 days\nPhase 2:\n- Build: 3 weeks\n- Test (5 days)",
        "Plan from Research to Test",
        r#"
gantt
    title Plan from Research to Test
    dateFormat YYYY-MM-DD
    section Phase 1
    Research :t1, 2026-01-05, 14d
    Design :t2, after t1, 10d
    section Phase 2
    Build :t3, after t2, 21d
    Test :t4, after t3, 5d
"#,
    );
}

#[test]
fn a_class_and_its_base() {
    draws(
        DiagramType::Mermaid,
        "class Dog extends Animal with bark()",
        "Dog and Animal",
        r#"
classDiagram
    class Dog {
        +bark()
    }
    class Animal
    Animal <|-- Dog
"#,
    );
}

#[test]
fn an_interface_and_members() {
    draws(
        DiagramType::Mermaid,
        "interface Shape, Circle implements Shape with radius and area(), Square implements Shape",
        "Shape, Circle and Square",
        r#"
classDiagram
    class Shape {
        <<interface>>
        +string radius
        +area()
    }
    class Circle {
        +string radius
        +area()
    }
    class Square
    Shape <|.. Circle
    Shape <|.. Square
"#,
    );
}

#[test]
fn a_nested_list() {
    draws(
        DiagramType::Mermaid,
        "mindmap of healthy food\n- Fruit\n  - Apple\n  - Pear\n- Vegetables\n  - Carrot",
        "Healthy food",
        r#"
mindmap
  root(("Healthy food"))
    n1["Fruit"]
      n2["Apple"]
      n3["Pear"]
    n4["Vegetables"]
      n5["Carrot"]
"#,
    );
}

#[test]
fn notes_in_one_line() {
    draws(
        DiagramType::Mermaid,
        "organize my notes: work: emails, meetings; home: cleaning, cooking",
        "Organize my notes",
        r#"
mindmap
  root(("Organize my notes"))
    n1["Work"]
      n2["Emails"]
      n3["Meetings"]
    n4["Home"]
      n5["Cleaning"]
      n6["Cooking"]
"#,
    );
}
