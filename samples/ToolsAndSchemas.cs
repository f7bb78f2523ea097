#:project ../src/Lemma.Extensions.AI/Lemma.Extensions.AI.csproj
#:package Microsoft.Extensions.DependencyInjection
#:property PublishAot=false
// Tools and answers of a type, by Microsoft's interfaces, on the model that `lemma quickstart` made. It knows stories and no tools: what it must write is held to
// schemas, so that its calls can be run and its answers can be read whatever it knows.
//   dotnet run -c Release samples/ToolsAndSchemas.cs [-- MODEL]      without a name: runs/quickstart
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

string model = args.Length > 0 ? args[0] : "runs/quickstart";
if (Directory.Exists(Path.Combine(model, "best")))
    model = Path.Combine(model, "best");

// A model that never was in a conversation has no chat template. How calls are written is found from this one, as from that of any model.
string assistant = Directory.CreateTempSubdirectory("lemma-assistant").FullName;
foreach (string file in Directory.GetFiles(model))
    File.Copy(file, Path.Combine(assistant, Path.GetFileName(file)));
File.WriteAllText(Path.Combine(assistant, "chat_template.jinja"), """
    {% for m in messages %}{{ m.role }}: {{ m.content or '' }}{% for c in m.tool_calls or [] %}
    <tool_call>
    {"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments|tojson }}}
    </tool_call>{% endfor %}
    {% endfor %}{% if add_generation_prompt %}assistant: {% endif %}
    """);

ServiceCollection services = new();
services.AddLemmaChatClient(assistant).UseFunctionInvocation();
await using ServiceProvider provider = services.BuildServiceProvider();
IChatClient client = provider.GetRequiredService<IChatClient>();

// The middleware runs the function, and the model goes on with what it gave.
AIFunction weather = AIFunctionFactory.Create((Place place, bool tomorrow) => $"{(tomorrow ? "It will be" : "It is")} windy at the {place}.", "weather", "Tells the weather of a place.");
ChatResponse told = await client.GetResponseAsync("How is the weather at the lake?",
    new ChatOptions { Tools = [weather], ToolMode = ChatToolMode.RequireAny, AllowMultipleToolCalls = false, Temperature = 0.5f, Seed = 1 });
foreach (AIContent content in told.Messages.SelectMany(static message => message.Contents))
{
    Console.WriteLine(content switch
    {
        FunctionCallContent call => $"called:   {call.Name}({(call.Arguments is null ? "cut off" : string.Join(", ", call.Arguments.Select(static one => $"{one.Key}: {one.Value}")))})",
        FunctionResultContent result => $"result:   {result.Result}",
        _ => $"said:     {content}",
    });
}

// An answer that is an object of C#, by its schema.
ChatResponse<Scene> scene = await client.GetResponseAsync<Scene>("Invent a scene.", new ChatOptions { Seed = 2 });
Console.WriteLine($"invented: {scene.Result}");

Directory.Delete(assistant, recursive: true);

internal enum Place
{
    Lake,
    Forest,
    Village,
}

internal sealed record Scene(Place Place, bool IsNight, Mood Mood);

internal enum Mood
{
    Cheerful,
    Quiet,
    Strange,
}
