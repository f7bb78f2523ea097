using System.Text;
using System.Text.Json;
using Lemma.Decoding;
using Lemma.Models;
using Lemma.Text.Templates;

namespace Lemma.Language;

/// <summary>What a conversation does when it no longer fits the longest sequence.</summary>
public enum LongConversation
{
    /// <summary>It is an error, and nothing is forgotten.</summary>
    Refuse,

    /// <summary>The oldest turns are left out of what the model reads, a question with its answers at a time; a system message in front stays.</summary>
    ForgetOldest,
}

/// <summary>A conversation in the form that the model's own chat template gives it.</summary>
/// <remarks>
/// The model reads the text of all messages; what that text shares with what was read before is not read again, with the same bits. So a turn reads what
/// is new, unless the template changes what it wrote before or an answer's text has other ids than those that were drawn. One thread at a time.
/// </remarks>
public sealed class Conversation : IDisposable
{
    private const string User = "user", Assistant = "assistant", System = "system";
    private readonly LanguageModel model;
    private readonly ChatTemplate template;
    private readonly Generator generator;
    private readonly List<ChatMessage> messages = [];
    private readonly int longest;
    private ulong answers;

    internal Conversation(LanguageModel model, string? system, LongConversation whenLong)
    {
        this.model = model;
        longest = model.Decoder.MaximumLength;
        template = model.Template ?? throw new InvalidOperationException("chat: this model has no chat template; Complete continues a text instead");
        WhenLong = whenLong;
        generator = model.NewGenerator();
        if (system is not null)
            messages.Add(new ChatMessage(System, system));
    }

    /// <summary>What was said, the oldest first; all of it, what was forgotten too.</summary>
    public IReadOnlyList<ChatMessage> Messages => messages;

    /// <summary>What happens when it no longer fits.</summary>
    public LongConversation WhenLong { get; }

    /// <summary>How many of the messages the last answer did not see.</summary>
    public int Forgotten { get; private set; }

    /// <summary>Tokens of the conversation so far, of at most <see cref="IContinuingModel.MaximumLength"/>.</summary>
    public int Length => generator.Sequences == 0 ? 0 : generator.Ids().Length;

    /// <summary>Tokens that the last answer added.</summary>
    public int AnswerTokens { get; private set; }

    /// <summary>How many tokens the model has read in all turns together.</summary>
    public long TokensRead => generator.TokensRead;

    /// <summary>The time that templates may show, such as today's date; null for now.</summary>
    public DateTime? Now { get; init; }

    // What the template tells of tools, for a ToolConversation.
    internal JsonElement? Tools { get; set; }

    internal LanguageModel Model => model;

    internal Generator Generator => generator;

    /// <summary>Adds a message that somebody said, without an answer.</summary>
    public void Add(ChatMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        messages.Add(message);
    }

    /// <summary>Takes back the last message.</summary>
    public ChatMessage RemoveLast()
    {
        Require.That(messages.Count > 0, $"chat: there is no message to take back");
        ChatMessage last = messages[^1];
        messages.RemoveAt(messages.Count - 1);
        return last;
    }

    /// <summary>Says something as the user; the answer comes in pieces, and is a message once it ended or was left.</summary>
    /// <exception cref="TemplateException">The template refuses the conversation, which stays as it was.</exception>
    /// <exception cref="ArgumentException">It does not fit the longest sequence.</exception>
    public IEnumerable<string> Say(string text, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        Add(new ChatMessage(User, text));
        try
        {
            return Answer(options, cancellation);
        }
        catch
        {
            RemoveLast();
            throw;
        }
    }

    /// <summary>Lets the model answer what was said so far, in pieces that are read once.</summary>
    /// <param name="options">How; null as <see cref="Models.Model.Sampling"/> says, up to 1,024 tokens. Every answer draws with a seed of its own.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>; the answer so far is a message.</param>
    /// <exception cref="TemplateException">The template refuses the conversation.</exception>
    /// <exception cref="ArgumentException">It does not fit the longest sequence.</exception>
    public IEnumerable<string> Answer(GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= GenerationOptions.Sample(own: model.Model.Sampling) with { MaximumTokens = 1024 };
        int[] prompt = Prompt(options.MaximumTokens);
        return Pieces(prompt, messages.Count, options with { Seed = options.Seed + answers++ }, cancellation);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => generator.Dispose();

    // An answer in pieces that somebody else makes a message of.
    internal IEnumerable<string> AnswerTo(GenerationOptions options, Func<ChatMessage> message, CancellationToken cancellation)
    {
        int[] prompt = Prompt(options.MaximumTokens);
        return Pieces(prompt, messages.Count, options with { Seed = options.Seed + answers++ }, cancellation, message);
    }

    private IEnumerable<string> Pieces(int[] prompt, int asked, GenerationOptions options, CancellationToken cancellation, Func<ChatMessage>? message = null)
    {
        StringBuilder answer = new();
        Require.That(messages.Count == asked, $"chat: an answer to {asked} messages is read once, before others come, but now there are {messages.Count}");
        TextStream stream = new(generator, model.Tokenizer, prompt, options);
        try
        {
            foreach (string piece in stream.Pieces(cancellation))
            {
                answer.Append(piece);
                yield return piece;
            }
        }
        finally
        {
            AnswerTokens = stream.Ids.Length;
            messages.Add(message?.Invoke() ?? new ChatMessage(Assistant, answer.ToString()));
        }
    }

    // The ids of the messages that fit, with room for an answer.
    private int[] Prompt(int answer)
    {
        int most = longest - Math.Min(answer, longest / 4);
        int system = messages.Count > 0 && messages[0].Role == System ? 1 : 0;
        for (int from = system; ; from = NextQuestion(from))
        {
            int[] ids = model.Tokenizer.Encode(template.Render([.. messages.Take(system), .. messages.Skip(from)],
                new ChatOptions { AddGenerationPrompt = true, Now = Now ?? DateTime.Now, Tools = Tools }), addSpecialTokens: false);
            bool canForget = WhenLong == LongConversation.ForgetOldest && NextQuestion(from) < messages.Count;
            Require.That(ids.Length > 0, $"chat: the template makes an empty text of {messages.Count} messages");
            Require.That(canForget || ids.Length <= longest,
                $"chat: the conversation of {messages.Count - from + system} messages has {ids.Length} tokens, but the longest sequence is {longest}");
            if (ids.Length <= most || !canForget)
            {
                Forgotten = from - system;
                return ids;
            }
        }
    }

    private int NextQuestion(int from)
    {
        do
        {
            from++;
        }
        while (from < messages.Count && messages[from].Role != User);
        return from;
    }
}
