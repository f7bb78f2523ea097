namespace Lemma.Data;

/// <summary>The grammar of the built-in source; [a | b] is a fork, {x} a word of a list.</summary>
/// <remarks>
/// <code>
/// document  = opening things events questions
/// opening   = "It was a {weather} {time} in {month}. " names " were {relation}. They knew " places ". " positions
/// positions = "{name}, a {trait} {trade} from {town} in a {fabric} {garment}, was at the {place}. " for each person
/// things    = [ "There was a {size} {color} {thing} at the {place}." | "{name} had a {size} {color} {thing}." ]  parted by " "
/// events    = line feed, then events parted by " "
/// event     = [ | {lead}] {name} action [ "." | " {manner}." ]
/// action    = {goes} "to the {place}" | {goes together} "with {name} to the {place}" | {takes} "the {thing}" | {drops} "the {thing}"
///           | {gives} "the {thing} to {name}" | {meets} {name} | {wants} "the {thing}" | {idles}
/// questions = line feed, then so many of "Q: {question}\nA: {answer}\n"
/// </code>
/// Only what the state allows is offered: one goes to another place, takes what lies there, gives and drops what one has, meets and
/// goes with who is there, wants what one neither has nor wants already. Words chosen by the state cost ln of the number that it allows.
/// </remarks>
public static class StoryGrammar
{
    private const int GoWeight = 2, TogetherWeight = 3, TakeWeight = 4, GiveWeight = 4, DropWeight = 2, MeetWeight = 1, WantWeight = 2;

    /// <summary>Walks a path from the first word of a document to its last; the options must be valid.</summary>
    public static void Tell(StoryOptions options, StoryPath path) => StoryQuestions.Ask(options, path, TellStory(options, path));

    /// <summary>Walks a path up to the questions, and gives the world at the story's end.</summary>
    internal static StoryState TellStory(StoryOptions options, StoryPath path)
    {
        StoryState state = new();
        TellOpening(options, path, state);
        TellThings(options, path, state);
        for (int events = 1; ; events++)
        {
            TellEvent(options.Words, path, state);
            if (!TellMore(path, events, options.LeastEvents, options.MostEvents))
                return state;
        }
    }

    private static void TellOpening(StoryOptions options, StoryPath path, StoryState state)
    {
        StoryWords words = options.Words;
        path.Say("It was a ");
        ChooseWord(path, words.Weathers, " ");
        ChooseWord(path, words.Times, " in ");
        ChooseWord(path, words.Months, ". ");
        TellList(path, "", words.Names, options.LeastPeople, options.MostPeople, state.People);
        path.Say(" were ");
        ChooseWord(path, words.Relations, ". They knew ");
        TellList(path, "the ", words.Places, options.LeastPlaces, options.MostPlaces, state.Places);
        path.Say(". ");
        foreach (string person in state.People)
        {
            path.Say($"{person}, a ");
            ChooseWord(path, words.Traits, " ");
            ChooseWord(path, words.Trades, " from ");
            ChooseWord(path, words.Towns, " in a ");
            ChooseWord(path, words.Fabrics, " ");
            ChooseWord(path, words.Garments, ", was at the ");
            int place = ChooseWord(path, state.Places, ". ");
            state.PlaceOf.Add(place);
            state.WantOf.Add(-1);
        }
    }

    private static void TellThings(StoryOptions options, StoryPath path, StoryState state)
    {
        StoryWords words = options.Words;
        List<string> left = [.. words.Things];
        do
        {
            path.Offer("There was a ", state.People.Count);
            foreach (string person in state.People)
                path.Offer($"{person} had a ");
            int holder = path.Choose() - 1;
            ChooseWord(path, words.Sizes, " ");
            ChooseWord(path, words.Colors, " ");
            int kind = ChooseWord(path, left, holder < 0 ? " at the " : ".");
            int place = holder < 0 ? ChooseWord(path, state.Places, ".") : -1;
            state.Things.Add(new StoryThing { Name = left[kind], Holder = holder, Place = place });
            left.RemoveAt(kind);
        }
        while (TellMore(path, state.Things.Count, options.LeastThings, options.MostThings));
    }

    private static void TellEvent(StoryWords words, StoryPath path, StoryState state)
    {
        foreach (string person in state.People)
            path.Offer(person, words.Leads.Count == 0 ? 1 : words.Leads.Count);
        foreach (string lead in words.Leads)
            foreach (string person in state.People)
                path.Offer(lead + person);
        int subject = path.Choose() % state.People.Count;
        path.Say(" ");
        TellAction(words, path, state, subject);
        path.Offer(".", Math.Max(1, words.Manners.Count / 2));
        foreach (string manner in words.Manners)
            path.Offer($" {manner}.");
        path.Choose();
    }

    private static void TellAction(StoryWords words, StoryPath path, StoryState state, int subject)
    {
        List<Action> actions = [];
        void Offer(bool isPossible, IReadOnlyList<string> verbs, int weight, Action action)
        {
            for (int i = 0; isPossible && i < verbs.Count; i++)
            {
                path.Offer(verbs[i], weight);
                actions.Add(action);
            }
        }

        bool isAccompanied = Any(state.People.Count, other => state.AreTogether(subject, other));
        bool hasThing = Any(state.Things.Count, thing => state.Has(subject, thing));
        Offer(true, words.Goes, GoWeight, () => state.PlaceOf[subject] = ChooseOtherPlace(path, state, subject));
        Offer(isAccompanied, words.GoesTogether, TogetherWeight, () =>
        {
            path.Say(" with ");
            int other = ChooseCompanion(path, state, subject);
            state.PlaceOf[subject] = state.PlaceOf[other] = ChooseOtherPlace(path, state, subject);
        });
        Offer(Any(state.Things.Count, thing => state.LiesBefore(thing, subject)), words.Takes, TakeWeight,
            () => state.Take(subject, ChooseThing(path, state, thing => state.LiesBefore(thing, subject))));
        Offer(hasThing && isAccompanied, words.Gives, GiveWeight, () =>
        {
            int thing = ChooseThing(path, state, thing => state.Has(subject, thing));
            path.Say(" to ");
            state.Take(ChooseCompanion(path, state, subject), thing);
        });
        Offer(hasThing, words.Drops, DropWeight, () => state.Drop(subject, ChooseThing(path, state, thing => state.Has(subject, thing))));
        Offer(isAccompanied, words.Meets, MeetWeight, () =>
        {
            path.Say(" ");
            ChooseCompanion(path, state, subject);
        });
        Offer(Any(state.Things.Count, thing => state.CanWant(subject, thing)), words.Wants, WantWeight,
            () => state.WantOf[subject] = ChooseThing(path, state, thing => state.CanWant(subject, thing)));
        Offer(true, words.Idles, 1, static () => { });
        actions[path.Choose()]();
    }

    private static int ChooseOtherPlace(StoryPath path, StoryState state, int subject)
    {
        path.Say(" to the ");
        return ChooseWhere(path, state.Places, place => place != state.PlaceOf[subject]);
    }

    private static int ChooseCompanion(StoryPath path, StoryState state, int subject) =>
        ChooseWhere(path, state.People, other => state.AreTogether(subject, other));

    private static int ChooseThing(StoryPath path, StoryState state, Func<int, bool> isPossible)
    {
        path.Say(" the ");
        return ChooseWhere(path, [.. state.Things.Select(static thing => thing.Name)], isPossible);
    }

    private static int ChooseWhere(StoryPath path, List<string> words, Func<int, bool> isPossible)
    {
        List<int> possible = [.. Enumerable.Range(0, words.Count).Where(isPossible)];
        foreach (int index in possible)
            path.Offer(words[index]);
        return possible[path.Choose()];
    }

    private static int ChooseWord(StoryPath path, IReadOnlyList<string> words, string after)
    {
        foreach (string word in words)
            path.Offer(word);
        int chosen = path.Choose();
        path.Say(after);
        return chosen;
    }

    /// <summary>"a, b and c" of different words; after each the text says whether more than one, or the last one, follows.</summary>
    private static void TellList(StoryPath path, string article, IReadOnlyList<string> words, int least, int most, List<string> list)
    {
        List<string> left = [.. words];
        for (bool isLast = false; ;)
        {
            path.Say(article);
            int chosen = ChooseWord(path, left, "");
            list.Add(left[chosen]);
            left.RemoveAt(chosen);
            if (isLast)
                return;
            if (list.Count + 1 >= least)
                path.Offer(" and ");
            if (list.Count + 1 < most)
                path.Offer(", ", most - Math.Max(least, list.Count + 2) + 1);
            isLast = path.Choose() == 0 && list.Count + 1 >= least;
        }
    }

    /// <summary>Whether another sentence follows (a space) or the next part begins (a line feed); totals are equally likely.</summary>
    private static bool TellMore(StoryPath path, int count, int least, int most)
    {
        if (count >= least)
            path.Offer("\n");
        if (count < most)
            path.Offer(" ", most - Math.Max(least, count + 1) + 1);
        return path.Choose() == 1 || count < least;
    }

    private static bool Any(int count, Func<int, bool> predicate)
    {
        for (int i = 0; i < count; i++)
            if (predicate(i))
                return true;
        return false;
    }
}
