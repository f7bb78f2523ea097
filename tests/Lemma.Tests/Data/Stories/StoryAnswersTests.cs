using System.Text.RegularExpressions;
using Lemma.Data;

namespace Lemma.Tests.Data.Stories;

/// <summary>Reads stories sentence by sentence, knowing nothing of the grammar's code, and answers their questions.</summary>
public sealed class StoryAnswersTests
{
    [Fact]
    public void Every_answer_follows_from_the_story()
    {
        HashSet<string> kinds = [];
        foreach (Story story in new StorySource(seed: 11).Range(0, 3000))
        {
            Reader reader = new();
            string[] lines = story.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            foreach (string sentence in (lines[0] + " " + lines[1]).TrimEnd('.').Split(". "))
                reader.Read(sentence);
            for (int i = 2; i < lines.Length; i += 2)
            {
                kinds.Add(string.Join(' ', lines[i].Split(' ').Take(3)));
                Assert.Equal($"{lines[i]} A: {reader.Answer(lines[i])}", $"{lines[i]} {lines[i + 1]}");
            }
        }
        Assert.Superset(new HashSet<string>(
            ["Q: Where is", "Q: Where was", "Q: Who has", "Q: Who is", "Q: What is", "Q: How many", "Q: What does"]), kinds);
    }

    private sealed class Reader
    {
        private readonly List<string> people = [];
        private readonly Dictionary<string, string> place = [], first = [], wish = [], holder = [], lies = [], looks = [];

        public void Read(string sentence)
        {
            const string Start = "^(?:(?:Then|Soon|Later|Next,|After that,|Meanwhile,) )?(?<who>[A-Z][a-z]+) ";
            if (Try(sentence, "^(?<who>[A-Z][a-z]+) was at the (?<where>[a-z]+)$", out Match m))
            {
                people.Add(m.Groups["who"].Value);
                place[m.Groups["who"].Value] = first[m.Groups["who"].Value] = m.Groups["where"].Value;
            }
            else if (Try(sentence, "^(?<who>There|[A-Z][a-z]+) (was|had) a (?<size>[a-z]+) (?<color>[a-z]+) (?<what>[a-z]+)"
                + "( at the (?<where>[a-z]+))?$", out m))
            {
                looks[m.Groups["what"].Value] = $"{m.Groups["size"].Value} and {m.Groups["color"].Value}";
                if (m.Groups["where"].Success)
                    lies[m.Groups["what"].Value] = m.Groups["where"].Value;
                else
                    holder[m.Groups["what"].Value] = m.Groups["who"].Value;
            }
            else if (Try(sentence, Start + "(walked|ran|went|hurried|wandered|marched) to the (?<where>[a-z]+)", out m))
            {
                Assert.NotEqual(m.Groups["where"].Value, place[m.Groups["who"].Value]);
                place[m.Groups["who"].Value] = m.Groups["where"].Value;
            }
            else if (Try(sentence, Start + "(traveled|strolled) with (?<whom>[A-Z][a-z]+) to the (?<where>[a-z]+)", out m))
            {
                AssertTogether(m);
                place[m.Groups["who"].Value] = place[m.Groups["whom"].Value] = m.Groups["where"].Value;
            }
            else if (Try(sentence, Start + "(took|found|grabbed|lifted) the (?<what>[a-z]+)", out m))
            {
                Assert.Equal(place[m.Groups["who"].Value], lies[m.Groups["what"].Value]);
                Assert.True(lies.Remove(m.Groups["what"].Value));
                Get(m.Groups["who"].Value, m.Groups["what"].Value);
            }
            else if (Try(sentence, Start + "(gave|handed|passed) the (?<what>[a-z]+) to (?<whom>[A-Z][a-z]+)", out m))
            {
                AssertTogether(m);
                Assert.Equal(m.Groups["who"].Value, holder[m.Groups["what"].Value]);
                Get(m.Groups["whom"].Value, m.Groups["what"].Value);
            }
            else if (Try(sentence, Start + "(dropped|left|lost) the (?<what>[a-z]+)", out m))
            {
                Assert.Equal(m.Groups["who"].Value, holder[m.Groups["what"].Value]);
                Assert.True(holder.Remove(m.Groups["what"].Value));
                lies[m.Groups["what"].Value] = place[m.Groups["who"].Value];
            }
            else if (Try(sentence, Start + "(greeted|thanked|saw|helped) (?<whom>[A-Z][a-z]+)", out m))
                AssertTogether(m);
            else if (Try(sentence, Start + "(wanted|needed) the (?<what>[a-z]+)", out m))
                wish[m.Groups["who"].Value] = m.Groups["what"].Value;
            else
                Assert.Matches(
                    "^It was a|^They knew|were [a-z]+$|sang|laughed|rested|waited|danced|whispered|smiled|yawned|coughed|slept", sentence);
        }

        public string Answer(string question)
        {
            if (Try(question, "Where is (?<who>[A-Z][a-z]+)\\?", out Match m))
                return $"{m.Groups["who"].Value} is at the {place[m.Groups["who"].Value]}.";
            if (Try(question, "Where was (?<who>[A-Z][a-z]+) at first\\?", out m))
                return $"{m.Groups["who"].Value} was at the {first[m.Groups["who"].Value]}.";
            if (Try(question, "Where is the (?<what>[a-z]+)\\?", out m))
                return $"The {m.Groups["what"].Value} is at the "
                    + $"{(holder.TryGetValue(m.Groups["what"].Value, out string? who) ? place[who] : lies[m.Groups["what"].Value])}.";
            if (Try(question, "Who has the (?<what>[a-z]+)\\?", out m))
                return $"{holder.GetValueOrDefault(m.Groups["what"].Value, "Nobody")} has the {m.Groups["what"].Value}.";
            if (Try(question, "What is the (?<what>[a-z]+) like\\?", out m))
                return $"The {m.Groups["what"].Value} is {looks[m.Groups["what"].Value]}.";
            if (Try(question, "What does (?<who>[A-Z][a-z]+) want\\?", out m))
                return $"{m.Groups["who"].Value} wants the {wish[m.Groups["who"].Value]}.";
            if (Try(question, "How many things does (?<who>[A-Z][a-z]+) have\\?", out m))
            {
                string[] numbers = ["no things", "one thing", "two things", "three things"];
                return $"{m.Groups["who"].Value} has {numbers[holder.Values.Count(m.Groups["who"].Value.Equals)]}.";
            }
            Assert.True(Try(question, "Who is at the (?<where>[a-z]+)\\?", out m), question);
            string[] there = [.. people.Where(who => place[who] == m.Groups["where"].Value)];
            string list = there.Length switch
            {
                0 => "Nobody is",
                1 => $"{there[0]} is",
                2 => $"{there[0]} and {there[1]} are",
                _ => $"{there[0]}, {there[1]} and {there[2]} are",
            };
            return $"{list} at the {m.Groups["where"].Value}.";
        }

        private void Get(string who, string what)
        {
            holder[what] = who;
            if (wish.GetValueOrDefault(who) == what)
                wish.Remove(who);
        }

        private void AssertTogether(Match m) => Assert.Equal(place[m.Groups["who"].Value], place[m.Groups["whom"].Value]);

        private static bool Try(string text, string pattern, out Match match) => (match = Regex.Match(text, pattern)).Success;
    }
}
