namespace Lemma.Data;

/// <summary>A thing of a story: who has it or where it lies.</summary>
internal sealed class StoryThing
{
    public required string Name { get; init; }

    /// <summary>The index of the person who has it, or −1.</summary>
    public int Holder { get; set; } = -1;

    /// <summary>The index of the place where it lies while nobody has it.</summary>
    public int Place { get; set; }
}

/// <summary>The world of a story: who is where, who has what, who wants what.</summary>
internal sealed class StoryState
{
    public List<string> People { get; } = [];

    public List<string> Places { get; } = [];

    public List<StoryThing> Things { get; } = [];

    /// <summary>The place of each person now.</summary>
    public List<int> PlaceOf { get; } = [];

    /// <summary>The thing that each person wants, or −1.</summary>
    public List<int> WantOf { get; } = [];

    public bool AreTogether(int person, int other) => person != other && PlaceOf[person] == PlaceOf[other];

    public bool LiesBefore(int thing, int person) => Things[thing].Holder < 0 && Things[thing].Place == PlaceOf[person];

    public bool Has(int person, int thing) => Things[thing].Holder == person;

    public bool CanWant(int person, int thing) => !Has(person, thing) && WantOf[person] != thing;

    /// <summary>A person gets a thing, and so wants it no longer.</summary>
    public void Take(int person, int thing)
    {
        Things[thing].Holder = person;
        if (WantOf[person] == thing)
            WantOf[person] = -1;
    }

    public void Drop(int person, int thing) => (Things[thing].Holder, Things[thing].Place) = (-1, PlaceOf[person]);
}
