using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Cli.Parsing;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Formats;
using Lemma.Language;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Templates;
using Lemma.Weights;

namespace Lemma.Cli.Tuning;

/// <summary>The model of a tuning run: its base, what learns of it, and the files that a tuned model's folder has.</summary>
internal sealed class TunedModel : IDisposable
{
    private static readonly string[] Companions = ["tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"];
    private readonly TuningRequest request;
    private readonly ModelFiles files, spoken;
    private readonly bool isPlain;
    private Decoder? tuned;
    private Adapter? adapter;

    /// <summary>The model that a request names.</summary>
    /// <param name="request">The request.</param>
    /// <param name="speaksAs">Another model, whose chat template it gets; null for its own.</param>
    public TunedModel(TuningRequest request, string? speaksAs = null)
    {
        this.request = request;
        files = ModelFiles.Find(ModelPath.Find(request.Model));
        spoken = speaksAs is null ? files : ModelFiles.Find(ModelPath.Find(speaksAs));
        Tokenizer = files.ReadTokenizer();
        Base = ModelFolder.ReadDecoder(files.Weights);
        Workers = new Workers(request.Threads);
        if (Tokenizer.VocabularySize > Base.VocabularySize)
            throw new InvalidDataException($"{request.Model}: the tokenizer has {Tokenizer.VocabularySize} ids, but the model has {Base.VocabularySize}");
        ChatTemplate? own = spoken.ReadTemplate();
        (Template, isPlain) = (own ?? PlainTemplate.For(Tokenizer, Base.Config.EndId, Base.Config.BeginId), own is null);
    }

    public Tokenizer Tokenizer { get; }

    public ChatTemplate Template { get; }

    public Workers Workers { get; }

    /// <summary>The model before its tuning: the reference of losses that compare with one, until <see cref="Begin"/> makes it the model that learns.</summary>
    public Decoder Base { get; }

    /// <summary>Whether <see cref="Base"/> stays as it is while the other learns.</summary>
    public bool KeepsBase { get; init; }

    /// <summary>The encoder of examples for this model.</summary>
    /// <param name="counted">Which tokens are to be predicted.</param>
    /// <param name="room">Tokens that prompts leave for an answer.</param>
    public ConversationEncoder NewEncoder(CountedTokens counted = CountedTokens.Answers, int room = 0) => new(Tokenizer, Template, new ConversationOptions
    {
        MaximumLength = Math.Max(2, Math.Min(request.Length ?? int.MaxValue, Base.MaximumLength) - room),
        WhenLong = request.WhenLong,
        Counted = counted,
        EndIds = Base.Config.EndIds,
    });

    /// <summary>The model that learns: of a run that goes on its last weights, else those of the base.</summary>
    /// <param name="change">What is made of a fresh one: a score a row, say; it gives another model.</param>
    public Decoder Begin(Func<Decoder, Decoder>? change = null)
    {
        string last = Path.Combine(request.Folder, "last");
        if (request.Adapter is { } config)
        {
            tuned = KeepsBase ? ModelFolder.ReadDecoder(files.Weights) : Base;
            adapter = request.Resumes ? AdapterFolder.Read(last, tuned) : AdapterFolder.Create(tuned, config, request.Seed);
            adapter.Apply();
            tuned.Parameters.IsFrozen = true;
            return tuned;
        }
        tuned = request.Resumes ? ModelFolder.ReadDecoder(last) : KeepsBase ? ModelFolder.ReadDecoder(files.Weights) : Base;
        if (!request.Resumes && change is not null)
        {
            Decoder changed = change(tuned);
            if (tuned != Base)
                tuned.Dispose();
            tuned = changed;
        }
        return tuned;
    }

    /// <summary>Copies the settings of a tokenizer and its chat template, where they are there; those of a GGUF file are written anew.</summary>
    public static void CopyCompanions(ModelFiles from, string to)
    {
        if (from.IsGguf)
        {
            if (from.ReadTemplate() is { } template)
                WriteTemplate(template, to);
            return;
        }
        foreach (string name in Companions.Where(name => File.Exists(Path.Combine(from.Folder, name))))
            AtomicFile.Write(Path.Combine(to, name), stream => stream.Write(File.ReadAllBytes(Path.Combine(from.Folder, name))));
    }

    /// <summary>Writes a template and its special tokens into a model's folder.</summary>
    public static void WriteTemplate(ChatTemplate template, string folder)
    {
        AtomicFile.Write(Path.Combine(folder, "chat_template.jinja"), stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(template.Text)));
        AtomicFile.Write(Path.Combine(folder, "tokenizer_config.json"), stream =>
        {
            using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
            {
                json.WriteStartObject();
                foreach ((string name, string token) in template.SpecialTokens)
                    json.WriteString(name, token);
                json.WriteEndObject();
            }
            stream.WriteByte((byte)'\n');
        });
    }

    /// <summary>Writes the tokenizer's settings and the chat template into a folder.</summary>
    public void WriteBeside(string folder)
    {
        if (isPlain)
            WriteTemplate(Template, folder);
        else
            CopyCompanions(spoken, folder);
    }

    /// <summary>The best model of the run; of an adapter it is merged and written as a model of its own.</summary>
    public Decoder TakeBest()
    {
        string best = Path.Combine(request.Folder, "best");
        if (adapter is null)
        {
            if (tuned != Base)
                tuned?.Dispose();
            return tuned = ModelFolder.ReadDecoder(best);
        }
        adapter.Dispose();
        adapter = AdapterFolder.Read(best, tuned!);
        adapter.Merge();
        AtomicFolder.Write(Path.Combine(request.Folder, "model"), folder =>
        {
            ModelFolder.WriteInto(folder, tuned!);
            Tokenizer.Save(Path.Combine(folder, "tokenizer.json"));
            WriteBeside(folder);
        });
        return tuned!;
    }

    public void Dispose()
    {
        adapter?.Dispose();
        if (tuned != Base)
            tuned?.Dispose();
        Base.Dispose();
        Workers.Dispose();
    }
}
