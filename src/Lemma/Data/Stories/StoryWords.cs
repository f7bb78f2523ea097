namespace Lemma.Data;

/// <summary>The words of the built-in source. In no list may a word be the start of another, so that a text has one derivation.</summary>
public sealed record StoryWords
{
    /// <summary>What the day was like, as in "It was a windy morning."; each starts with a consonant.</summary>
    public IReadOnlyList<string> Weathers { get; init; } =
        ["bright", "cloudy", "cold", "dark", "dry", "foggy", "frosty", "misty", "rainy", "snowy", "sunny", "windy"];

    /// <summary>When the story begins.</summary>
    public IReadOnlyList<string> Times { get; init; } = ["morning", "noon", "afternoon", "evening", "night", "Monday", "Friday", "Sunday"];

    /// <summary>The people.</summary>
    public IReadOnlyList<string> Names { get; init; } =
    [
        "Ada", "Amir", "Anna", "Ben", "Carla", "Chen", "Dana", "Elena", "Emil", "Farid", "Fiona", "Greta", "Hana", "Hugo", "Ivan",
        "Julia", "Kira", "Leo", "Lina", "Marco", "Mira", "Nadia", "Nico", "Olga", "Omar", "Pedro", "Rosa", "Sami", "Tara", "Tom", "Uma",
        "Vera",
    ];

    /// <summary>What a person is like, as in "Mira, a quiet baker, was at the mill."; each starts with a consonant.</summary>
    public IReadOnlyList<string> Traits { get; init; } =
    [
        "bold", "brave", "busy", "calm", "cheerful", "clever", "curious", "daring", "famous", "friendly", "funny", "gentle", "hungry",
        "jolly", "kind", "lively", "lonely", "merry", "modest", "nervous", "noisy", "patient", "polite", "proud", "quiet", "shy", "sleepy",
        "strict", "strong", "tall", "thoughtful", "young",
    ];

    /// <summary>What a person does for a living.</summary>
    public IReadOnlyList<string> Trades { get; init; } =
    [
        "baker", "barber", "blacksmith", "carpenter", "cook", "dentist", "doctor", "farmer", "fisher", "gardener", "hunter", "jeweler",
        "judge", "lawyer", "librarian", "mason", "mechanic", "merchant", "miller", "miner", "nurse", "painter", "pilot", "plumber",
        "poet", "potter", "sailor", "singer", "tailor", "teacher", "waiter", "weaver",
    ];

    /// <summary>Where a person comes from.</summary>
    public IReadOnlyList<string> Towns { get; init; } =
    [
        "Athens", "Bergen", "Bogota", "Cairo", "Cork", "Delhi", "Dublin", "Genoa", "Hanoi", "Havana", "Jakarta", "Kyoto", "Lagos", "Lima",
        "Lisbon", "London", "Madrid", "Malta", "Milan", "Nairobi", "Oslo", "Paris", "Porto", "Prague", "Quito", "Riga", "Rome", "Seoul",
        "Tokyo", "Tunis", "Vienna", "Warsaw",
    ];

    /// <summary>What a person wears, as in "a baker from Oslo in a woolen coat"; the first word starts with a consonant.</summary>
    public IReadOnlyList<string> Fabrics { get; init; } =
    [
        "checkered", "cotton", "denim", "faded", "felt", "flowered", "knitted", "leather", "linen", "loose", "patched", "plain", "quilted",
        "ragged", "satin", "silk", "spotted", "straw", "tattered", "velvet", "warm", "waxed", "wet", "woolen",
    ];

    /// <summary>The garments themselves.</summary>
    public IReadOnlyList<string> Garments { get; init; } =
    [
        "apron", "bonnet", "cape", "cloak", "coat", "dress", "gown", "hood", "jacket", "jersey", "robe", "scarf", "shirt", "skirt", "suit",
        "vest",
    ];

    /// <summary>When the story happens.</summary>
    public IReadOnlyList<string> Months { get; init; } =
    [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ];

    /// <summary>What the people are to each other.</summary>
    public IReadOnlyList<string> Relations { get; init; } =
        ["friends", "neighbors", "cousins", "partners", "classmates", "travelers", "musicians", "gardeners"];

    /// <summary>The places.</summary>
    public IReadOnlyList<string> Places { get; init; } =
    [
        "bakery", "bridge", "castle", "farm", "gate", "harbor", "lake", "library", "market", "mill", "museum", "river", "school",
        "station", "temple", "tower",
    ];

    /// <summary>The things.</summary>
    public IReadOnlyList<string> Things { get; init; } =
    [
        "apple", "ball", "basket", "bell", "book", "bottle", "box", "candle", "clock", "coat", "coin", "cup", "doll", "drum", "flute",
        "hammer", "hat", "jar", "key", "kite", "lamp", "letter", "map", "mirror", "ring", "rope", "shell", "spoon",
    ];

    /// <summary>The sizes and shapes of things; each starts with a consonant.</summary>
    public IReadOnlyList<string> Sizes { get; init; } =
        ["big", "curved", "flat", "heavy", "huge", "little", "long", "narrow", "round", "short", "small", "thin"];

    /// <summary>The colors and makes of things.</summary>
    public IReadOnlyList<string> Colors { get; init; } =
        ["black", "blue", "brown", "golden", "gray", "green", "pink", "purple", "red", "silver", "white", "yellow"];

    /// <summary>What a sentence may begin with, with the space after it.</summary>
    public IReadOnlyList<string> Leads { get; init; } =
        ["Then ", "Soon ", "Later ", "Next, ", "After that, ", "Meanwhile, ", "At last ", "Suddenly "];

    /// <summary>How something was done.</summary>
    public IReadOnlyList<string> Manners { get; init; } =
    [
        "again", "alone", "anyway", "boldly", "bravely", "calmly", "carefully", "cheerfully", "eagerly", "gently", "gladly", "gracefully",
        "happily", "kindly", "lazily", "loudly", "nervously", "patiently", "politely", "proudly", "quickly", "quietly", "sadly", "secretly",
        "shyly", "silently", "slowly", "softly", "thoughtfully", "warily", "wisely", "without a word", "with a smile", "in a hurry",
        "for a while", "before dinner", "under the stars", "in the rain", "by chance", "at sunset", "like a dancer", "for fun",
        "on tiptoe", "out of habit", "with great care", "in silence", "all of a sudden", "once more", "after lunch",
        "during a storm", "despite the wind", "from a distance", "for the last time", "in broad daylight", "just in time", "like a child",
        "with cold hands", "with open eyes", "to everybody's surprise", "behind the scenes", "beyond all doubt", "for no reason", "in good spirits",
    ];

    /// <summary>Verbs of going, before "to the mill".</summary>
    public IReadOnlyList<string> Goes { get; init; } = ["walked", "ran", "went", "hurried", "wandered", "marched"];

    /// <summary>Verbs of going together, before "with Tom to the mill".</summary>
    public IReadOnlyList<string> GoesTogether { get; init; } = ["traveled", "strolled"];

    /// <summary>Verbs of taking a thing that lies there.</summary>
    public IReadOnlyList<string> Takes { get; init; } = ["took", "found", "grabbed", "lifted"];

    /// <summary>Verbs of giving a thing to someone there.</summary>
    public IReadOnlyList<string> Gives { get; init; } = ["gave", "handed", "passed"];

    /// <summary>Verbs of leaving a thing behind.</summary>
    public IReadOnlyList<string> Drops { get; init; } = ["dropped", "left", "lost"];

    /// <summary>Verbs of meeting someone there.</summary>
    public IReadOnlyList<string> Meets { get; init; } = ["greeted", "thanked", "saw", "helped"];

    /// <summary>Verbs of wanting a thing of the story.</summary>
    public IReadOnlyList<string> Wants { get; init; } = ["wanted", "needed"];

    /// <summary>What a person may do alone and without consequence.</summary>
    public IReadOnlyList<string> Idles { get; init; } =
        ["sang", "laughed", "rested", "waited", "danced", "whispered", "smiled", "yawned", "coughed", "slept"];
}
