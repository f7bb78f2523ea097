using Lemma.Decoding.Constraints;
using Lemma.Language.Tools;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Language.Serving;

/// <summary>The constraints of an engine's answers: made once for a format, and the ones that were used last are kept with their masks.</summary>
internal sealed class AnswerConstraints(Tokenizer tokenizer, AnswerFormat format)
{
    private const int Most = 32;
    private readonly Lock gate = new();
    private readonly LinkedList<(string Key, Constraint? Value)> used = [];

    /// <summary>What holds an answer to what is asked; null for any text.</summary>
    /// <exception cref="GrammarException">A schema is not supported.</exception>
    /// <exception cref="ArgumentException">A call is required that is not there.</exception>
    public Constraint? Of(AnswerOptions options)
    {
        options.Validate();
        string key = options.Key();
        if (key.Length == 0)
            return null;
        lock (gate)
        {
            for (LinkedListNode<(string Key, Constraint? Value)>? node = used.First; node is not null; node = node.Next)
            {
                if (node.Value.Key != key)
                    continue;
                used.Remove(node);
                used.AddFirst(node);
                return node.Value.Value;
            }
        }
        Constraint? made = Make(options);
        lock (gate)
        {
            used.AddFirst((key, made));
            if (used.Count > Most)
                used.RemoveLast();
        }
        return made;
    }

    private Constraint? Make(AnswerOptions options)
    {
        Grammar? said = options.Format();
        if (options.MayCall)
        {
            Require.That(format.Calls is not null, $"answer: the model's chat template writes no calls, so it cannot be told of {options.Tools.Count} tools");
            return ToolGrammar.Of(format, options.Tools, options.Choice, tokenizer, said);
        }
        // Where the prompt has begun a thought, it is thought to its end first.
        return new Constraint(format.Reasoning is { IsOpen: true } thought ? Grammar.AfterTrigger([thought.End], said!.Spaced(), mayEnd: false) : said!, tokenizer);
    }
}
